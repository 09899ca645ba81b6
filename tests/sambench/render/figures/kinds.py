"""Studies of every kind, whose figures say what they show."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sambench.analysis import PublishedStudy, published
from sambench.config import baselines
from sambench.records import Axis, Quantity, Record, Records, pack_numbers
from sambench.render import figures
from sambench.render.drawing import chosen
from sambench.render.figures import Drawn

Make = Callable[..., Records]
FEW = {"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83, "sam": 0.95, "asam": 0.94, "esam": 0.9}
BANDS = {"curves": 3.5, "differences": 4.0}
MIB = 2**20


def many(num: int) -> dict[str, float]:
    """The three of plain, and others half a point below one another."""
    others = {f"variant_{i}": 0.9 - 0.002 * i for i in range(num - 3)}
    return {"plain-x0.5": 0.88, "plain": 0.89, "plain-x2": 0.85, **others}


def trained(run: Record) -> Record:
    """With a curve that rises, and some memory."""
    top = run.test["accuracy"] or run.val["accuracy"] or 0.5
    epochs = range(1, run.epochs + 1)
    wave = [0.02 * ((run.rerun * 7 + e * 3) % 5 - 2) / 2 for e in epochs]
    curve = [min(1.0, top * (1 - 0.7 * 0.6**e) + up) for e, up in zip(epochs, wave, strict=True)]
    own = " ".join(f"{value:.4f}" for value in curve)
    return replace(run, curve=own, peak_memory=MIB * (50 + 10 * len(run.key)))


def diverged(run: Record) -> Record:
    none = {"accuracy": None, "loss": None}
    return replace(run, outcome="diverged", val=none, test=none, items={"accuracy": ""})


def published_as(made: Records, runs: list[Record], **header: Any) -> PublishedStudy:
    return published.study(Path("digits.csv"), Records({**made.header, **header}, tuple(runs)))


def pool(
    make: Make,
    accuracies: Mapping[str, float],
    keep: Callable[[Record], bool] = lambda run: True,
    change: Callable[[Record], Record] = trained,
    search: Mapping[str, Any] | None = None,
    **options: Any,
) -> PublishedStudy:
    made = make(accuracies, **options)
    spec = {**made.header["spec"], "search": {**made.header["spec"]["search"], **(search or {})}}
    runs = [change(run) for run in made.records if keep(run)]
    return published_as(made, runs, spec=spec, bands=BANDS)


def with_divergence(make: Make) -> PublishedStudy:
    """Of sam's and plain's high learning rates, and of all that asam and plain-x2 ran."""
    made = make(FEW)
    again = {(run.variant, run.point) for run in made.records if run.stage == "confirm"}

    def change(run: Record) -> Record:
        if run.variant in ("asam", "plain-x2"):
            return diverged(run)
        lost = run.stage == "pool" and run.lr > 0.2 and (run.variant, run.point) not in again
        return diverged(run) if lost and run.variant in ("sam", "plain") else trained(run)

    return published_as(made, list(map(change, made.records)))


def fixed(make: Make) -> PublishedStudy:
    """Ten runs of each arm with settings that nobody searched."""
    made, seeds = make(FEW), 10
    spec = {**made.header["spec"], "search": {"lr": 0.03}, "confirm": {"seeds": seeds}}
    arms = {label: {**own, "space": {}, "lr": 0.03} for label, own in made.header["arms"].items()}
    runs = []
    for label in arms:
        own = [run for run in made.records if (run.variant, run.stage) == (label, "confirm")]
        first = sorted(own, key=lambda run: (run.rerun, run.point))[:seeds]
        runs += [trained(replace(run, point=0, rerun=j, rank=None)) for j, run in enumerate(first)]
    return published_as(made, runs, spec=spec, arms=arms, fits={})


AXES = {
    "corrupted": (
        "share",
        [("corruption", ("fog", "snow", "saturation")), ("severity", (0, 1, 5))],
    ),
    "ece": ("share", [("bin", (1, 2, 3)), ("share", ("images", "confidence", "right"))]),
    "balanced_accuracy": ("share", [("true class", ()), ("predicted class", ())]),
    "slice_rise": ("nats", [("position 1", (-1, 0, 1))]),
    "plane_rise": ("nats", [("position 1", (-1, 0, 1)), ("position 2", (-1, 0, 1))]),
    "memorised": ("share", [("epoch", ())]),
    "corrected": ("share", [("epoch", ())]),
}
ROLES = {"ascent_worst": "sharpness", "hessian_trace": "sharpness", "accuracy_gap": "gap"}


def quantities() -> list[dict[str, Any]]:
    """Of a header: some with numbers that they sum up, two kinds of sharpness, a gap."""
    down: Any = {"direction": "minimize"}
    axes = {
        name: Quantity(
            name=name,
            unit=unit,
            axes=tuple(Axis(name=axis, ticks=ticks) for axis, ticks in own),
            **down,
        )
        for name, (unit, own) in AXES.items()
    }
    roles = [Quantity(name=name, unit="nats", role=role, **down) for name, role in ROLES.items()]  # type: ignore[arg-type]
    return [one.model_dump() for one in (*axes.values(), *roles)]


def measured_run(run: Record) -> Record:
    """Of a confirm run: the sharper, the larger the gap, in every second run of sam the reverse."""
    score = run.test["accuracy"]
    if run.stage != "confirm" or score is None:
        return run
    hit = [score, score - 0.1, score - 0.3]
    half, off = score / 2, (1 - score) / 2
    arrays = {
        "corrupted": [hit, [x - 0.05 for x in hit], [math.nan] * 3],
        "ece": [[0.0, 0.0, 0.0], [0.25, 0.15, half / 2], [0.75, 0.7, half * 1.5]],
        "balanced_accuracy": [
            [10 * score, 5 * off, 5 * off],
            [0, 10, 0],
            [10 * off, 0, 10 * score],
        ],
        "slice_rise": [3 - score, 1 - score, 2.5 - score],
        "plane_rise": [[3, 2, 3], [2, 1 - score, 2], [3, 2, math.inf]],
        "memorised": [epoch * off / run.epochs for epoch in range(1, run.epochs + 1)],
        "corrected": [score - 0.01 * epoch for epoch in range(run.epochs)],
    }
    values = {name: score / 2 for name in arrays}
    gap = 100 * (1 - score)
    flip = run.variant == "sam" and run.rerun % 2
    values |= {
        "ascent_worst": 30 - gap if flip else gap,
        "hessian_trace": -gap,
        "accuracy_gap": gap,
    }
    packed = {name: pack_numbers(np.array(array)) for name, array in arrays.items()}
    return replace(trained(run), measures=values, details=packed)


def measured(make: Make) -> PublishedStudy:
    made = make({"plain": 0.9, "plain-x2": 0.88, "sam": 0.93, "asam": 0.91})
    return published_as(made, list(map(measured_run, made.records)), measures=quantities())


def searching(run: Record) -> bool:
    """Two thirds of a pool."""
    return run.stage == "pool" and run.point % 3 > 0


def confirming(run: Record) -> bool:
    return run.stage == "pool" or (run.stage == "confirm" and (run.rank or 0) < 2)


KINDS: dict[str, Callable[[Make], PublishedStudy]] = {
    "few": lambda make: pool(make, FEW),
    "eleven": lambda make: pool(make, many(11)),
    "forty": lambda make: pool(make, many(40)),
    "diverged": with_divergence,
    "partial": lambda make: pool(make, FEW, searching),
    "half": lambda make: pool(make, FEW, confirming),
    "fixed": fixed,
    "adaptive": lambda make: pool(
        make, FEW, lambda run: run.stage != "confirm", search={"sampler": "tpe"}
    ),
    "one": lambda make: pool(make, {"sam": 0.9}),
    "one-plain": lambda make: pool(make, {"plain": 0.9}),
    "no-plain": lambda make: pool(make, {"sam": 0.9, "asam": 0.93, "esam": 0.92}),
    "certain": lambda make: pool(make, {"plain": 0.995, "sam": 0.999, "asam": 0.998}),
}
FIGURES = {
    **dict.fromkeys(("few", "eleven", "forty"), ("tuning", "intervals", "differences", "cost",
        "cost-time", "cost-memory", "search", "radius", "curves")),
    "diverged": ("tuning", "intervals", "differences", "cost", "cost-time", "cost-memory",
        "search", "radius", "curves"),
    **dict.fromkeys(("partial", "half"), ("search", "radius")),
    "fixed": ("intervals", "differences", "cost", "cost-time", "cost-memory", "curves"),
    "adaptive": ("search", "radius", "curves"),
    "one": ("intervals", "search", "radius", "curves"),
    "one-plain": ("intervals", "search", "curves"),
    "no-plain": ("tuning", "intervals", "cost", "cost-time", "cost-memory", "search", "radius",
        "curves"),
    "certain": ("tuning", "intervals", "differences", "cost", "cost-time", "cost-memory",
        "search", "radius", "curves"),
}  # fmt: skip
"""What is drawn of each."""


def drawn(study: PublishedStudy) -> tuple[Drawn, ...]:
    bases = baselines({row.label: row.key for row in study.leaderboard.rows})
    use = study.leaderboard.use or ""
    return figures.render(study.tables, bases, chosen(study.leaderboard), use)
