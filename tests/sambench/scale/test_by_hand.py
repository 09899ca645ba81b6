"""The script by hand does the work that a trial of the suite's does."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
import torch

from sambench import config
from sambench.bench import PEER
from sambench.scale.by_hand import ByHand, pictures, tensors
from sambench.tasks.images import Data


class TwoSteps(torch.optim.SGD):
    """What SAM asks of its caller, without what it moves."""

    def __init__(self, params: Any, base: type[torch.optim.Optimizer], rho: float, **own: Any):
        super().__init__(params, **own)
        self.base_optimizer = base(self.param_groups, **own)

    def step(self, closure: Callable[[], Any]) -> None:
        with torch.enable_grad():
            closure()
        self.base_optimizer.step()


@pytest.fixture
def study(spec: dict[str, Any]) -> config.Study:
    return config.parse(spec)


@pytest.fixture
def data(study: config.Study) -> Data:
    found = study.task.load({"split": 0, "labels": 0}, None)
    assert isinstance(found, Data)
    return found


@pytest.mark.parametrize(("variant", "passes"), [("plain", 1), ("sam", 2)])
def test_it_trains_scores_and_stores(
    study: config.Study,
    data: Data,
    variant: str,
    passes: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """64 images in batches of 32, two epochs."""
    monkeypatch.setitem(sys.modules, PEER, SimpleNamespace(SAM=TwoSteps))
    program = ByHand(study, variant, data, tensors, tmp_path / "trials.log", 0.01, 0.05)
    scores = [program.trial() for _ in range(2)]
    assert program.evaluations == 2 * 4 * passes
    assert all(0 <= score * 20 <= 20 for score in scores)
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "trials.log"))
    (kept,) = optuna.get_all_study_summaries(optuna.storages.JournalStorage(backend))
    assert kept.n_trials == 2


def test_both_datasets_hold_the_same_images(data: Data):
    one, other = tensors(data.train, data), pictures(data.train, data)
    for i in (0, 63):
        torch.testing.assert_close(one[i][0], other[i][0])
        assert one[i][1] == other[i][1]
