"""The block of a study that runs, at every width and height that a terminal may have."""

import io
from itertools import pairwise
from typing import Any

import pytest
from rich.console import Console

from sambench import config
from sambench.render.terminal import progress
from sambench.study import Standing
from sambench.study.expected import expected_runs
from sambench.study.protocol import Protocol
from sambench.training import Outcome

WIDTHS = (40, 60, 80, 100, 140, 200)
MANY = ["plain", "sam", "asam", "gsam", "wsam", "friendly_sam", "esam", "looksam", "momentum_sam"]


class Played:
    """A study in the middle of its pool; `num` runs of which the last `workers` are running."""

    def __init__(
        self, spec: dict[str, Any], names: list[str] = MANY, workers: int = 2, num: int = 40
    ) -> None:
        spec |= {"variants": names, "variant": []}
        spec["train"]["epochs"] = 10
        spec["search"] |= {"budget": 12, "searches": 3}
        study = config.parse(spec)
        self.now = 0.0
        arms = {arm.label: arm for arm in study.arms()}
        self.protocol = Protocol(study, arms, "cpu")
        expected = expected_runs(study, arms.values())
        self.standing = Standing(
            "digits-noise40", [*arms.values()], expected, workers, lambda: self.now
        )
        pool = [
            self.protocol.pool_run(arm, i, {"lr": 0.0316228, **dict.fromkeys(arm.space, 0.0712)})
            for i in range(24)
            for arm in arms.values()
            if i < self.protocol.size(arm)
        ]
        self.standing.stage("pool", pool, ())
        for i, run in enumerate(pool[:num]):
            self.standing.started(run)
            self.now += 10.0
            self.standing.epoch(run, {"epoch": 5, "val_accuracy": 0.123})
            if i < num - workers:
                diverged = Outcome("diverged", "non-finite loss in epoch 5", wall_s=10.0)
                scored = Outcome("complete", scores={"val_accuracy": 0.5 + i / 1000}, wall_s=20.0)
                self.standing.ended(run, diverged if i % 7 == 6 else scored)


def shown(standing: Standing, width: int, height: int = 50) -> list[str]:
    console = Console(width=width, height=height, file=io.StringIO(), record=True)
    console.print(progress.render(standing, width, height))
    return console.export_text().splitlines()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("names", [["plain", "sam"], MANY], ids=["four arms", "eleven arms"])
def test_no_word_is_broken_and_no_line_is_wrapped(
    spec: dict[str, Any], width: int, names: list[str]
):
    """At any width an arm is one line that holds whole numbers; names may end in an ellipsis."""
    standing = Played(spec, names).standing
    lines = shown(standing, width)
    head, names_at = lines[:2], lines.index("") + 1
    assert head[0].startswith("digits-noise40: pool, then confirm and")
    assert "ETA" in head[1]
    arms = lines[names_at + 1 : names_at + 1 + len(standing.arms)]
    for line, arm in zip(arms, standing.arms.values(), strict=True):
        label, *cells = line.split()
        assert arm.label.startswith(label.removesuffix("…"))
        assert f"{arm.best:.2%}" == cells[0]
        assert str(arm.done) in cells[1:]
        assert f"~{standing.left[arm.label]}" in cells or width < 60
    titles = lines[names_at].split()
    known = "arm best validation at lr rho point done running left diverged failed pruned".split()
    assert [title for title in titles if title not in known] == []
    assert all(len(line) <= width for line in lines)


def test_more_is_shown_where_there_is_more_room(spec: dict[str, Any]):
    standing = Played(spec).standing
    titles = [shown(standing, width)[3] for width in WIDTHS]
    assert [title.split()[-1] for title in titles[:3]] == ["left", "diverged", "diverged"]
    for narrow, wide in pairwise(titles):
        assert set(narrow.split()) <= set(wide.split())
    assert titles[-1].split() == (
        "arm best validation at lr rho point done running left diverged".split()
    )


@pytest.mark.parametrize("height", [2, 5, 8, 10, 14, 19, 24])
@pytest.mark.parametrize("workers", [1, 2, 16])
def test_it_is_never_taller_than_the_terminal(spec: dict[str, Any], height: int, workers: int):
    standing = Played(spec, workers=workers).standing
    lines = shown(standing, 80, height)
    assert len(lines) <= height
    assert any("ETA" in line for line in lines)
    if height < 10:
        return
    rows = lines[lines.index("") + 2 :]
    rows = rows[: rows.index("")]
    labels = [line.split()[0] for line in rows if line.split()[0] in standing.arms]
    best = max(standing.arms.values(), key=lambda arm: arm.best or 0)
    assert best.label in labels
    hidden = len(standing.arms) - len(labels)
    assert rows[len(labels) :] == ([f"and {hidden} more"] if hidden else [])


def test_what_is_left_out_is_counted(spec: dict[str, Any]):
    standing = Played(spec).standing
    lines = shown(standing, 80, 14)
    arms = lines[4 : lines.index("", 4)]
    assert len(arms) + 2 + 1 + 1 + 4 <= 14
    assert arms[-1] == f"and {len(standing.arms) - (len(arms) - 1)} more"
    running = {own.run.label for own in standing.workers if own}
    assert running < {line.split()[0] for line in arms}


def test_every_worker_has_a_line(spec: dict[str, Any]):
    played = Played(spec, ["plain", "sam"], workers=3, num=10)
    first, second, third = shown(played.standing, 140)[-3:]
    assert first.split() == "sam pool point 1 0.0712 0.0712 5/10 12.30%".split()
    assert second.split() == "plain-x0.5 pool point 2 0.0712 5/5 12.30%".split()
    assert third.split()[0] == "plain"


def test_the_best_arm_stands_out(spec: dict[str, Any]):
    played = Played(spec, ["plain", "sam"])
    console = Console(width=80, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(progress.render(played.standing, 80, 30))
    told = console.file.getvalue().splitlines()  # pyright: ignore[reportAttributeAccessIssue]
    best = max(played.standing.arms.values(), key=lambda arm: arm.best or 0)
    bold = [line for line in told[4:8] if line.startswith("\x1b[1m")]
    assert len(bold) == 1 and f"{best.label} " in bold[0]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "5 s"),
        (43, "45 s"),
        (88, "1 min 30 s"),
        (125, "2 min"),
        (3590, "1 h 0 min"),
        (5 * 3600 + 440, "5 h 10 min"),
        (30 * 3600, "30 h 0 min"),
    ],
)
def test_an_estimate_is_no_finer_than_it_can_be(seconds: float, words: str):
    assert progress.roughly(seconds) == words


def test_a_fixed_setting_has_a_mean_and_no_point(spec: dict[str, Any]):
    spec["search"] = {"lr": 0.1}
    spec |= {"variants": [], "confirm": {"seeds": 3}}
    spec["variant"] = [{"name": "plain", "length": 1}, {"name": "sam", "fix": {"rho": 0.1}}]
    study = config.parse(spec)
    protocol = Protocol(study, {arm.label: arm for arm in study.arms()}, "cpu")
    expected = expected_runs(study, study.arms())
    standing = Standing("tiny", study.arms(), expected, 1, lambda: 0.0)
    standing.stage("pool", [], ())
    runs = protocol.confirmations({})
    standing.stage("confirm", runs, ())
    for run, score in zip(runs, (0.5, 0.6, 0.6, 0.8, 0.1, 0.1), strict=True):
        standing.started(run)
        standing.ended(run, Outcome("complete", scores={"val_accuracy": score}, wall_s=1.0))
    lines = shown(standing, 140)
    assert lines[0] == "tiny: writing the report" and "ETA" not in lines[1]
    assert lines[3].split() == "arm mean validation done running left diverged".split()
    assert [line.split()[:3] for line in lines[4:6]] == [
        ["plain", "40.00%", "3"],
        ["sam", "50.00%", "3"],
    ]
