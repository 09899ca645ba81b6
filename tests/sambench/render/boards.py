"""Findings by hand, for what prints them: any field changed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sambench.analysis import Against, Cost, Estimate, Leaderboard, Row, Setting, Size, Spent
from sambench.config import BASELINE
from sambench.scores import ACCURACY

HALF = 0.01
"""Of all intervals' widths."""
SIZE = Size(budget=8.0, searches=5, margin=1.0, extension=0, alpha=0.05)
SETTING = Setting(
    lr=0.11,
    rho=0.2,
    hyperparameters={"rho": 0.2},
    epochs=10,
    edges=(),
    score=Estimate(0.905, 0.893, 0.917),
    runs=5,
)


def estimate(value: float, half: float = HALF) -> Estimate:
    return Estimate(value, value - half, value + half)


def row(label: str, score: float | None = 0.9, group: str = "a", **changes: Any) -> Row:
    """An arm of a label such as "plain-x0.5"; without a score it is not ranked."""
    key, _, length = label.partition("-x")
    at = float(length or 1)
    passes = 1.0 if key == BASELINE else 2.0
    found = Row(
        label=label,
        key=key,
        length=at,
        epochs=round(10 * at),
        is_baseline=key == BASELINE,
        group=group if score is not None else "",
        why="" if score is not None else "only 2 of the 3 trials that are needed",
        trials=8 / passes / at,
        points=20,
        planned=20,
        diverged_points=0,
        no_survivor=0.0,
        score=None if score is None else estimate(score),
        inner=None,
        against=(),
        beats=None,
        wins=False,
        detectable=0.013,
        test_set_error=0.0045,
        reruns=31,
        diverged_reruns=0,
        diverged_share=(0.0, 0.11),
        setting=replace(SETTING, rho=None, hyperparameters={}) if passes == 1 else SETTING,
        cost=Cost(120 * passes * at, passes * at, 2.4 * passes * at, passes, None),
        runs={"complete": 56, "pruned": 0, "diverged": 0, "failed": 0},
    )
    return replace(found, **changes)


TASK = {"dataset": "digits", "model": "test_resnet"}


def board(rows: Sequence[Row], **changes: Any) -> Leaderboard:
    """With the differences of all others from every arm of the baseline; the first is used."""
    plain = [one for one in rows if one.is_baseline and one.score]
    full = [one if one.is_baseline or not one.score else _compared(one, plain) for one in rows]
    arms = {
        one.label: {
            "key": one.key,
            "length": one.length,
            "epochs": one.epochs,
            "lr": None,
            "fix": {},
            "radius": None if one.is_baseline else "rho",
            "space": {"lr": {"low": 0.001, "high": 1.0, "log": True, "choices": None}},
        }
        for one in rows
    }
    search = {"budget": 8.0, "searches": 5, "margin": 1.0, "sampler": "random", "pruner": "none"}
    header = {
        "arms": arms,
        "spec": {"task": TASK, "train": {}, "search": search},
        "objective": ACCURACY.name,
        "scores": [ACCURACY.model_dump()],
    }
    found = Leaderboard(
        study="digits",
        question="Which one?",
        kind="pool",
        headline="sam beats plain.",
        use=full[0].label if full else None,
        advice="sam.",
        searches_needed=None,
        rows=tuple(full),
        equal=(),
        orders=(),
        inner="",
        measured=(),
        halves=(),
        size=SIZE,
        warnings=(),
        damages=(),
        counts={},
        machines=("Example CPU, threads 1",),
        timed_on="Example CPU, threads 1",
        spent=Spent(415, 36324.0, 2947.0),
        num_items=600,
        header=header,
    )
    return replace(found, **changes)


def _compared(one: Row, plain: Sequence[Row]) -> Row:
    if one.against:
        return one
    assert one.score
    differences = [
        Against(base.label, estimate(one.score.value - base.score.value), 0.01)
        for base in plain
        if base.score
    ]
    return replace(one, against=tuple(differences), beats=0.01 if one.beats is None else one.beats)
