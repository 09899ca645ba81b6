"""A kind of task is found by its name: sambench's own, and one of a user's."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sambench import config, plugins
from sambench.config import fingerprint, kinds
from sambench.errors import UserError
from sambench.seeds import derive
from sambench.tasks import images, tabular

OWN = '''
"""Which side of a line a point lies on."""

import torch

from sambench.config import Task, kinds
from sambench.tasks import TensorData, digest, of_arrays


@kinds.register("side")
class Side(Task):
    item = "point"
    slope: float = 1.0

    def _points(self):
        x = torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
        return x, (x[:, 1] > self.slope * x[:, 0]).long()

    def contents(self, cache=None):
        x, y = self._points()
        return of_arrays(x=x.numpy(), y=y.numpy())

    def load(self, streams, cache=None, began_with=None):
        x, y = self._points()
        order = torch.randperm(200, generator=torch.Generator().manual_seed(streams["split"]))
        train, val, test = order[:150], order[150:], torch.arange(200, 300)
        sets = ((x[rows], y[rows]) for rows in (train, val, test))
        return TensorData.from_tensors(*sets)

    def build(self, data):
        return torch.nn.Linear(*data.sizes.values())
'''
SPEC: dict[str, Any] = {
    "name": "sides",
    "variants": ["plain", "sam"],
    "task": {"kind": "side", "dataset": "points", "model": "line", "slope": 2.0},
    "train": {"epochs": 1, "batch_size": 32},
    "search": {"lr": 0.1},
}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """A file that registers a kind of task, known until the test ends."""
    file = tmp_path / "side.py"
    file.write_text(OWN)
    plugins.load([file])
    yield file
    kinds._classes.pop("side")
    sys.modules.pop("side", None)


@pytest.mark.usefixtures("own")
def test_a_file_of_ones_own_is_a_task():
    study = config.parse(SPEC)
    assert (type(study.task).__name__, study.task.kind, study.task.item) == (
        "Side",
        "side",
        "point",
    )
    dump = study.model_dump(mode="json")
    assert dump["task"]["kind"] == "side" and dump["task"]["slope"] == 2.0
    again = config.parse(dump)
    assert again.task == study.task and fingerprint(again) == fingerprint(study)
    steeper = config.parse(SPEC, overrides=["task.slope=3.0"])
    assert fingerprint(steeper) != fingerprint(study)
    data = study.task.load(derive(0, "pool", 0).streams)
    assert study.task.build(data).weight.shape == (2, 2)


def test_worker_processes_import_its_file(own: Path):
    (found,) = plugins.known({"side"})
    assert found.file == own.resolve() and found.names == ("side",)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "tabula"}, "task.kind: unknown kind of task 'tabula', did you mean tabular?"),
        ({"kind": 3}, "task.kind: must be a string, got 3"),
        ({"kind": "tabular", "image_size": 8}, "task.image_size: unknown key"),
        ({"objective": "f1macro"}, "task.objective: unknown value 'f1macro', did you mean f1_mac"),
        ({"objective": "r2"}, "task.objective: unknown value 'r2', choose from accuracy"),
        ({"objective": "loss"}, "search.margin: is required: how much loss may be given up"),
        ({"label_noise": 2.0, "dataset": 1}, "(and 1 more)"),
    ],
)
def test_what_is_wrong_is_told_at_its_key(changes: dict[str, Any], told: str):
    task = {"dataset": "digits", "model": "test_resnet", **changes}
    with pytest.raises(UserError, match=re.escape(told)):
        config.parse({**SPEC, "task": task})


def test_measures_are_declined_where_they_cannot_be_taken():
    task = {"kind": "rl", "dataset": "CartPole-v1"}
    search = {**SPEC["search"], "margin": 1.0}
    asked = {**SPEC, "task": task, "search": search, "measure": {"names": ["curvature"]}}
    with pytest.raises(UserError, match="measure: measures are not taken of a task of kind 'rl'"):
        config.parse(asked)


def test_images_are_the_kind_where_none_is_named():
    task = {"dataset": "digits", "model": "test_resnet"}
    study = config.parse({**SPEC, "task": task})
    assert type(study.task) is images.ImageClassification
    assert not {"kind", "objective"} & set(study.model_dump(mode="json")["task"])
    assert kinds.get("tabular") is tabular.Tabular
    assert [score.name for score in study.task.scores] == ["accuracy", "loss"]


def test_the_objective_is_one_of_the_scores():
    task = {"dataset": "digits", "model": "test_resnet", "objective": "f1_macro"}
    found = config.parse({**SPEC, "task": task}).task
    assert [score.name for score in found.scores] == ["accuracy", "loss", "f1_macro"]
    assert (found.decides.words, found.decides.in_percent) == ("macro F1", True)
