"""What a study's time goes to: of all its places, with nothing left out or counted twice."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sambench.study import live
from sambench.study.spending import Spending

SHARE = 0.02
"""of the time by another clock, by which the parts may miss it"""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_every_place_is_at_something_at_every_moment(clock: Clock):
    spending = Spending(2, began=97.0, clock=clock)
    spending.turn("preflight")
    clock.passes(1)
    spending.turn("waiting")
    spending.took()
    clock.passes(2)
    assert spending.parts() == {"imports": 6, "preflight": 2, "waiting": 2, "running": 2}
    spending.took()
    clock.passes(4)
    spending.gave(6, {"training": 5.0, "other": 0.5})
    clock.passes(1)
    spending.gave(5, {"training": 4.5})
    spending.turn("report")
    clock.passes(3)
    found = spending.parts()
    assert found == {
        "imports": 6, "preflight": 2, "waiting": 3, "training": 9.5, "other": 0.5, "workers": 1.0,
        "report": 6,
    }  # fmt: skip
    assert sum(found.values()) == 2 * (clock.now - 97)


def test_a_place_more_than_was_told_of_counts_from_its_first_run_on(clock: Clock):
    spending = Spending(1, clock=clock)
    spending.turn("waiting")
    for _ in range(2):
        spending.took()
    clock.passes(3)
    for _ in range(2):
        spending.gave(3, {"training": 3.0})
    clock.passes(1)
    assert (spending.places, spending.parts()) == (
        2, {"imports": 0, "waiting": 2, "training": 6, "workers": 0},
    )  # fmt: skip


def test_runs_that_others_trained_meanwhile_are_told_whole(clock: Clock):
    """As jobs of Slurm's are whose driver comes back when they have ended."""
    spending = Spending(1, clock=clock)
    spending.took()
    spending.gave(0, {"training": 7.0})
    assert spending.parts() == {"imports": 0, "training": 7, "workers": 0}


@pytest.mark.parametrize("workers", [1, 2])
def test_the_parts_add_up_to_the_time_of_all_workers(
    spec: dict[str, Any], run: Any, tmp_path: Path, workers: int
):
    began = datetime.now(UTC)
    run(spec, workers=workers, began=time.monotonic() - 1)
    found = live.read(tmp_path / "runs" / "tiny")
    assert found is not None
    spent, passed = found.spent, (found.updated - began).total_seconds() + 1
    assert sum(spent.values()) == pytest.approx(workers * passed, rel=SHARE)
    named = {"training", "first_steps", "evaluation", "data", "model", "records", "waiting"}
    assert named <= {part for part, seconds in spent.items() if seconds > 0}
    assert spent["imports"] >= workers and "running" not in spent
