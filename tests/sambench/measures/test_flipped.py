"""Wrong labels that a run has learned after each epoch, told where a study measures them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sambench.measures import Detailed, course, flipped, measures, subject_of
from sambench.measures.loading import Extent
from sambench.tasks.images import load
from sambench.training import Run, train, weights
from tests.sambench.conftest import SPEC
from tests.sambench.training.test_weights import run_of

TASK = {**SPEC["task"], "label_noise": 0.4}
MEASURE = {"names": ["memorisation"], "max_batches": 1, "batch_size": 64}


def run(**changes: Any) -> Run:
    return run_of(**{"task": TASK, "measure": MEASURE, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("most", [256, 5])
def test_the_last_epoch_is_what_is_measured_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
):
    monkeypatch.setattr(flipped, "MOST", most)
    mine = run()
    history = train(mine, tmp_path, lambda row: False, follow=course).history
    assert len(history) == 2
    kept = weights.read(tmp_path / weights.NAME)
    with subject_of(mine, kept, Extent(1, 64), tmp_path, history=history) as subject:
        found = measures.get("memorisation")().of(subject)
        assert subject.true is not None
        ((x, given),), (true,) = subject.train, subject.true
        wrong = torch.nonzero(given != true).flatten()
        num = len(wrong)
        wrong = wrong[[i * num // most for i in range(most)]] if most < num else wrong
        predicted = subject.outputs(x[wrong]).argmax(1)
    for name, labels in (("memorised", given), ("corrected", true)):
        share = float((predicted == labels[wrong]).double().mean())
        assert history[-1][name] == pytest.approx(share)
        value = found[name]
        assert isinstance(value, Detailed)
        assert value.details.tolist() == [row[name] for row in history]
        if most > num:
            assert found[name] == pytest.approx(share)


def test_nothing_of_the_run_changes(tmp_path: Path):
    def told(mine: Run) -> list[dict[str, float]]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        rows = train(mine, folder, lambda row: False, follow=course).history
        timed = ("step_time_s", "items_per_s")
        return [{k: v for k, v in row.items() if k not in timed} for row in rows]

    followed = told(run())
    plain = told(run(measure={"names": ["calibration"]}))
    names = {"memorised", "corrected"}
    assert all(names < set(row) for row in followed)
    left = [{k: v for k, v in row.items() if k not in names} for row in followed]
    assert [repr(row) for row in left] == [repr(row) for row in plain]


@pytest.mark.parametrize(
    "changes",
    [{"measure": {"names": ["calibration"]}}, {"task": SPEC["task"]}],
    ids=["not asked", "no wrong labels"],
)
def test_only_where_it_is_asked(changes: dict[str, Any], tmp_path: Path):
    def follows(mine: Run) -> bool:
        return course(mine, load(mine.study.task, mine.seeds.streams), tmp_path) is not None

    assert follows(run()) and not follows(run(**changes))
    assert not follows(replace(run(), stage="pool"))


def test_wrong_labels_are_those_of_the_run(tmp_path: Path):
    mine = run()
    data = load(mine.study.task, mine.seeds.streams)
    found = flipped.Flipped.of(mine, data, tmp_path)
    assert found is not None
    task = mine.study.task.model_copy(update={"label_noise": 0.0})
    clean = load(task, mine.seeds.streams).train
    wrong = clean.y != data.train.y
    assert found.true.tolist() == clean.y[wrong].tolist()
    assert found.items.y.tolist() == data.train.y[wrong].tolist()
