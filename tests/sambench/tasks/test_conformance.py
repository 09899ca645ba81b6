"""Every kind of task, by the suite that is shipped."""

import pytest

from sambench.config import Split, Task, kinds
from sambench.tasks.algorithmic import Algorithmic
from sambench.tasks.images import ImageClassification
from sambench.tasks.tabular import Tabular
from sambench.tasks.testing import TaskConformance

SMALL = Split(train=60, val=30, test=40)
TASKS = {
    "images": ImageClassification(dataset="synthetic", split=SMALL, model="test_resnet"),
    "images by area": ImageClassification(
        dataset="digits", split=SMALL, model="test_resnet", label_noise=0.2, objective="auroc"
    ),
    "weighted images": ImageClassification(
        dataset="digits", split=SMALL, model="test_resnet", class_weights="balanced"
    ),
    "pairs": Algorithmic(dataset="a + b", modulus=11, model="mlp", objective="schedule_left"),
    "pairs read as tokens": Algorithmic(
        dataset="a / b", modulus=7, label_noise=0.2, model_args={"width": 16}
    ),
    "classes of rows": Tabular(dataset="wine", objective="balanced_accuracy", label_noise=0.1),
    "numbers of rows": Tabular(
        dataset="diabetes", objective="r2", split=SMALL, model_args={"dropout": 0.1}
    ),
    "classes by many members": Tabular(
        dataset="wine", model="tabm", model_args={"k": 3, "width": 16}
    ),
    "numbers by many members": Tabular(
        dataset="diabetes", objective="r2", model="tabm", model_args={"k": 3, "width": 16}
    ),
    "classes by tokens": Tabular(dataset="wine", model="ft-transformer", model_args={"depth": 1}),
}


@pytest.mark.parametrize("name", TASKS)
class TestConformance(TaskConformance):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.task: Task = TASKS[name]


def test_every_kind_is_tested():
    built_in = [kinds.get(name) for name in ("images", "tabular", "algorithmic")]
    assert {type(task) for task in TASKS.values()} == set(built_in)
