"""`sambench trial --point`: a run of a study's own pool, which the study finds."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sambench import config, records
from sambench.errors import UserError
from sambench.study import point as points
from sambench.study.folder import StudyFolder
from sambench.training import Outcome, write_outcome

Spec = dict[str, Any]
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(spec: Spec, tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "runs", config.parse(spec))


def trained(folder: StudyFolder, variant: str, point: int) -> Outcome:
    run = points.plan(folder, variant, point, "cpu")
    return points.execute(folder, run, folder.path.parent / "data")


def whole_pool(folder: StudyFolder) -> None:
    for label, num in (("sam", 1), ("plain", 2)):
        for point in range(num):
            trained(folder, label, point)


def results(folder: StudyFolder, stage: str) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in folder.path.glob(f"runs/{stage}-*/*")}


def test_the_study_finds_its_points_and_trains_none_again(
    folder: StudyFolder, run: Callable[..., Any], recorded: Callable[..., Any], tmp_path: Path
):
    whole_pool(folder)
    before = results(folder, "pool")
    assert set(before) == {"pool-sam-p0", "pool-plain-p0", "pool-plain-p1"}
    run(folder.study)
    assert results(folder, "pool") == before
    run(folder.study, root=tmp_path / "alone")
    assert recorded(folder.path) == recorded(tmp_path / "alone" / "tiny")


def test_a_point_that_is_over_is_not_trained_again(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
):
    first = trained(folder, "sam", 0)
    again = "sambench.executors.assignment.train"
    monkeypatch.setattr(again, lambda *_, **__: pytest.fail("it is trained again"))
    assert trained(folder, "sam", 0) == first


def test_a_point_that_the_machine_lost_is_repeated(folder: StudyFolder):
    run = points.plan(folder, "sam", 0, "cpu")
    write_outcome(run, folder.run(run), Outcome("failed", "out of memory"))
    assert trained(folder, "sam", 0).outcome == "complete"


def test_one_that_fails_is_an_outcome_which_the_same_command_repeats(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    words = ("--variant", "sam", "--point", "0")
    with monkeypatch.context() as patched:
        patched.setattr("sambench.executors.assignment.train", fails)
        code, out, err = call(*words)
    trace = Path("runs/tiny/runs/pool-sam-p0/error.txt")
    assert (code, "failed" in out) == (1, True)
    assert err == f"sambench: the run failed, ZeroDivisionError: a bug ({trace})\n"
    assert "in fails" in trace.read_text()
    assert call(*words)[0] == 0 and not trace.exists()


def fails(*_: object, **__: object) -> None:
    raise ZeroDivisionError("a bug")


def test_a_point_makes_the_folder_a_studys(folder: StudyFolder, spec: Spec):
    """Else a study with other keys would take its result for its own."""
    trained(folder, "sam", 0)
    other = config.parse({**spec, "train": {"epochs": 2, "batch_size": 16}})
    with pytest.raises(UserError, match=r"have changed since: train\.batch_size"):
        points.plan(StudyFolder(folder.path.parent, other), "sam", 0)
    assert folder.data_digest == json.loads((folder.path / "runs/pool-sam-p0/result.json")
                                            .read_text())["outcome"]["data"]  # fmt: skip


def test_a_study_that_has_run_may_get_points_of_a_larger_pool(
    folder: StudyFolder, spec: Spec, run: Callable[..., Any]
):
    run(folder.study)
    larger = config.parse({**spec, "search": {**spec["search"], "budget": 4}})
    grown = StudyFolder(folder.path.parent, larger)
    assert trained(grown, "sam", 1).outcome == "complete"
    run(larger)
    rows = records.read(folder.records).records
    assert {row.point for row in rows if (row.variant, row.stage) == ("sam", "pool")} == {0, 1}


def test_the_command_line_tells_the_point_and_no_test_score(call: Call, tmp_path: Path):
    code, out, err = call("--variant", "plain", "--point", "1", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (found["variant"], found["point"], found["outcome"]) == ("plain", 1, "complete")
    assert not [name for name in found if "test" in name]
    assert (tmp_path / "runs" / "tiny" / "runs" / "pool-plain-p1" / "result.json").exists()
    code, out, _ = call("--variant", "plain", "--point=1")
    assert code == 0 and "plain on tiny, point 1 of its pool, 2 epochs" in out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--variant", "plain", "--point", "2"), "the pool of plain has points 0 to 1, got 2"),
        (("--variant", "sam", "--point", "-1"), "the pool of sam has points 0 to 0, got -1"),
        (("--variant", "asam", "--point", "0"), "--variant: tiny has no 'asam', did you mean sam"),
        (
            ("--variant", "sam", "--point", "0", "--lr", "0.1", "--rho=0.1", "--seed", "0"),
            "--point: a point of the pool says all of it; leave out --lr, --rho, --seed",
        ),
        (("--variant", "sam", "--point", "0", "--fix", "form=x"), "leave out --form"),
        (("--variant", "sam", "--point", "0", "--length=2"), "leave out --length"),
        (("--variant", "sam", "--point", "0", "--out", "o"), "leave out --out"),
        (("--variant", "sam", "--point", "x"), "'--point': 'x' is not a valid integer"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(call: Call, words: tuple[str, ...], line: str, tmp_path: Path):
    code, _, err = call(*words)
    assert (code, err.count("\n")) == (2, 1), err
    assert line in err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "search",
    [
        {"budget": 40, "sampler": "tpe"},
        {"lr": 0.1, "space": {}},
    ],
)
def test_a_study_without_a_pool_has_no_points(spec: Spec, tmp_path: Path, search: Spec):
    spec["search"] |= search
    spec["variants"], spec["variant"] = [], [*spec["variant"], {"name": "sam", "fix": {"rho": 0.1}}]
    folder = StudyFolder(tmp_path, config.parse(spec))
    with pytest.raises(UserError, match="tiny has no pool of random points; give --lr"):
        points.plan(folder, "sam", 0)


def test_several_processes_train_no_point(call: Call, monkeypatch: pytest.MonkeyPatch):
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "2"), ("MASTER_PORT", "1")):
        monkeypatch.setenv(name, value)
    code, _, err = call("--variant", "sam", "--point", "0")
    assert code == 2 and "start it without torchrun" in err


def test_one_that_is_stopped_goes_on_from_its_checkpoint(
    study_file: Path, tmp_path: Path, warm_python: str
):
    """A stop is no result of a pool's run."""
    words = [warm_python, "-m", "sambench", "trial", str(study_file), "--variant", "sam",
             "--point", "0", "--device", "cpu", "--checkpoint-every", "0"]  # fmt: skip
    words += ["--set", "train.epochs=300"]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(words, cwd=tmp_path, env=env, stderr=subprocess.PIPE)
    run = tmp_path / "runs" / "tiny" / "runs" / "pool-sam-p0"
    deadline = time.monotonic() + 120
    while not (run / "checkpoint.pt").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and b"the same command goes on from here" in err
    assert not (run / "result.json").exists() and (run / "checkpoint.pt").exists()
