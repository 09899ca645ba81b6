"""Checkpoints by their cost."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

import variants
from sambench import config, seeds
from sambench.study.protocol import settable
from sambench.training import Run, checkpoint, progress, train
from sambench.training.due import BYTES_PER_S, SHARE, Due


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def played(every_s: float, size: float, epoch_s: float, save_s: float, epochs: int) -> list[int]:
    """The epochs after which a run saves."""
    clock = Clock()
    due, saved = Due(every_s, int(size), clock), []
    for epoch in range(1, epochs + 1):
        clock.now += epoch_s
        if due.now:
            saved.append(epoch)
            with due.saving():
                clock.now += save_s
    return saved


def test_cheap_ones_are_written_as_often_as_is_asked():
    assert played(10, 1e6, epoch_s=4, save_s=0.01, epochs=9) == [3, 6, 9]


def test_dear_ones_wait_for_fifty_times_their_cost():
    assert played(10, 1e6, epoch_s=30, save_s=3, epochs=12) == [1, 6, 11]


def test_whoever_asks_for_each_epoch_has_them_whatever_they_cost():
    assert played(0, 1e10, epoch_s=0.1, save_s=100, epochs=3) == [1, 2, 3]


@pytest.mark.parametrize("size", [1e5, 1e8, 1e10])
@pytest.mark.parametrize("epoch_s", [0.02, 1.0, 50.0, 3000.0])
@pytest.mark.parametrize("epochs", [1, 10, 500])
def test_they_never_take_more_than_their_share(size: float, epoch_s: float, epochs: int):
    """Also in runs that are over before a second one is due."""
    save_s = size / BYTES_PER_S
    spent = save_s * len(played(10, size, epoch_s, save_s, epochs))
    assert spent <= SHARE * epoch_s * epochs


def test_a_run_goes_by_it(spec: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Epochs of 30 seconds, checkpoints of 3."""
    clock, saved = Clock(), []
    monkeypatch.setattr(progress, "Due", partial(Due, clock=clock))

    def save(folder: Path, state: dict[str, Any]) -> None:
        saved.append(len(state["history"]))
        clock.now += 3

    def report(row: dict[str, float]) -> bool:
        clock.now += 30
        return False

    monkeypatch.setattr(checkpoint, "save", save)
    study = config.parse({**spec, "variants": ["sam"]})
    run = Run(
        study=study, label="plain", key="plain", stage="pool", point=0, rerun=0, lr=0.05,
        seeds=seeds.derive(0, "point", 0), epochs=11,
        hyperparameters=settable(variants.create("plain")),
    )  # fmt: skip
    assert train(run, tmp_path, report).outcome == "complete"
    assert saved == [1, 6]
