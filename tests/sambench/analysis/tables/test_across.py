"""Every variant over several tasks, each counted once."""

import pytest

from sambench.analysis import analyse
from sambench.analysis.evidence import Evidence
from sambench.analysis.tables import across
from sambench.records import Records
from tests.sambench.analysis.conftest import of, row, with_runs
from tests.sambench.conftest import Make

SMALL = {"plain": 0.85, "sam": 0.88}


@pytest.fixture(scope="module")
def studies(make: Make) -> list[Records]:
    """Of six levels of noise, no two of which share a run."""
    found = []
    for i in range(6):
        own = make({**SMALL, "sam": 0.88 + 0.01 * i}, seed=i, budget=6.0)
        runs = own.frame.assign(train_loss=0.7 + 0.001 * i + own.frame["point"] / 1000)
        spec = {**own.header["spec"], "seed": i}
        spec["task"] = {**spec["task"], "label_noise": 0.1 * i}
        found.append(Records({**own.header, "study": f"noise{i}", "spec": spec}, runs))
    return found


def leads(studies: list[Records]) -> list[float]:
    return [row(analyse(study), "sam").against[0].difference.value for study in studies]


def table(studies: list[Records]) -> list[dict[str, object]]:
    return across.table([Evidence(study) for study in studies]).to_dict("records")


@pytest.mark.parametrize(("num", "beyond"), [(2, False), (6, True)])
def test_the_mean_over_tasks(studies: list[Records], num: int, beyond: bool):
    (sam,) = table(studies[:num])
    own = leads(studies[:num])
    assert (sam["variant"], sam["tasks"], sam["beyond"]) == ("sam", num, beyond)
    assert sam["difference"] == pytest.approx(sum(own) / num)
    assert sam["low"] < sam["difference"] < sam["high"]  # pyright: ignore[reportOperatorIssue]


def test_one_task_has_no_mean(studies: list[Records]):
    empty = across.table([Evidence(studies[0])])
    assert len(empty) == 0 and list(empty.columns) == list(across.OverTasks._fields)


def test_studies_of_one_task_are_one(studies: list[Records]):
    """The one of more searches counts; which epoch's weights a run yields makes no other task."""
    first, second = studies[:2]
    train = {**first.header["spec"]["train"], "yields": "best"}
    spec = {**first.header["spec"], "train": train}
    again = with_runs(second, second.records, study="again", spec=spec)
    assert counted(first, again) == ["again"]
    spec = {**spec, "search": {**spec["search"], "searches": 4}}
    assert counted(first, with_runs(second, second.records, study="again", spec=spec)) == ["noise0"]
    assert counted(first, second) == ["noise0", "noise1"]


def counted(*studies: Records) -> list[str]:
    return [study.header["study"] for study in across.tasks([*map(Evidence, studies)])]


def test_studies_that_share_a_run_are_one(studies: list[Records]):
    first, second = studies[:2]
    shared = with_runs(second, [*second.records, of(first, "plain", "pool")[0]])
    assert counted(first, shared) == ["noise0"]


def test_what_concludes_nothing_is_no_task(make: Make, studies: list[Records]):
    few = make(SMALL, searches=3, seed=9)
    few.header["study"] = "few"
    few.header["spec"]["task"]["label_noise"] = 0.9
    assert table([studies[0], few]) == []
