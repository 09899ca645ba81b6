"""What a run's time goes to."""

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import variants
from sambench import config, seeds
from sambench.executors import Assignment, execute
from sambench.study.protocol import settable
from sambench.training import Custom, OwnTraining, Run, read_outcome, spent

NAMELESS = 0.1
"""of a run's time, what may be in no part, at most"""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A second passes between two looks."""
    ticks = count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    spent.begin()
    yield
    spent.begin()


@pytest.mark.usefixtures("clock")
def test_every_moment_counts_for_the_innermost_part():
    with spent.on("evaluation"):
        with pytest.raises(KeyError), spent.on("data"):
            raise KeyError
        with spent.on("data"):
            pass
    assert spent.so_far() == {"other": 2, "evaluation": 3, "data": 2}
    assert sum(spent.so_far().values()) == 8
    spent.begin()
    assert spent.so_far() == {"other": 1}


def test_threads_do_not_count_for_each_other():
    spent.begin()
    found: list[dict[str, float]] = []
    with spent.on("training"):
        thread = Thread(target=lambda: found.append(spent.so_far()))
        thread.start()
        thread.join()
    assert found[0].keys() == {"other"}


@pytest.fixture
def job(spec: dict[str, Any], tmp_path: Path) -> Assignment:
    study = config.parse({**spec, "variants": ["sam"]})
    run = Run(
        study=study, label="sam", key="sam", stage="confirm", point=0, rerun=0, lr=0.05,
        seeds=seeds.derive(0, "point", 0), epochs=4,
        hyperparameters=settable(variants.create("sam")),
    )  # fmt: skip
    return Assignment(run, tmp_path / "run", tmp_path / "cache", 0, Custom())


def proceed(row: dict[str, float]) -> bool:
    return False


def test_little_of_a_run_has_no_name(job: Assignment, monkeypatch: pytest.MonkeyPatch):
    """By the processor's clock, which other work leaves alone."""
    execute(replace(job, folder=job.folder / "first"), proceed)
    monkeypatch.setattr(time, "perf_counter", time.process_time)
    found = execute(job, proceed)
    parts = found.spent
    assert parts.keys() >= {
        *("data", "model", "first_steps", "training", "evaluation", "checkpoints"),
        *("records", "telling"),
    }  # fmt: skip
    assert parts["other"] < NAMELESS * sum(parts.values())
    assert parts["first_steps"] < parts["training"]
    kept = read_outcome(job.run, job.folder)
    assert kept is not None
    told = sum(kept.spent.values())
    assert found.wall_s <= told <= sum(parts.values())


def test_a_training_of_ones_own_is_told_as_a_whole(job: Assignment):
    def train(optimizer: Any, seed: int) -> float:
        time.sleep(0.05)
        raise ZeroDivisionError

    found = execute(replace(job, custom=Custom(training=OwnTraining(train))), proceed)
    assert found.outcome == "failed" and found.spent["training"] >= 0.05
