"""How a study stands, asked from outside: by its driver's words, else by what it left."""

import io
import json
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import filelock
import pytest
from rich.console import Console

from sambench import records
from sambench.errors import UserError
from sambench.files import read_sealed, write_sealed
from sambench.study import holder, live
from sambench.study.display import file as display_file
from sambench.study.holder import Holder
from sambench.study.run import run_study
from sambench.study.status import each, status


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    root = tmp_path_factory.mktemp("finished")
    silent = Console(file=io.StringIO())
    run_study(tiny, root=root, device="cpu", workers=1, wandb="disabled", console=silent)
    return root / "tiny"


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "runs" / "tiny"))


def asked(folder: Path) -> live.Live:
    return status(folder, folder.parent)


def essence(found: live.Live) -> Any:
    """What is true of a finished study, however it is known."""
    stages = [
        {name: (stage.done, stage.running, stage.left) for name, stage in arm.stages.items()}
        for arm in found.arms
    ]
    means = [pytest.approx(arm.mean) for arm in found.arms]
    arms = [arm.model_dump(exclude={"stages", "mean"}) for arm in found.arms]
    return found.state, found.runs, arms, means, stages


def without_file(folder: Path) -> None:
    (folder / live.FILE).unlink()


def damaged_file(folder: Path) -> None:
    path = folder / live.FILE
    path.write_text(path.read_text().replace("0", "1"))


def killed(folder: Path) -> None:
    """As its last word was."""
    path = folder / live.FILE
    content = read_sealed(path)
    write_sealed(path, content | {"state": "running", "runs": {"done": 1, "all": 17}})


def merged(folder: Path) -> None:
    """Records that were written after the driver's last word, of which nothing else differs."""
    killed(folder)
    (folder / "records.csv").touch()


@pytest.mark.parametrize("spoil", [without_file, damaged_file, killed, merged])
def test_a_finished_study_is_told_alike_however_it_is_known(
    folder: Path, spoil: Callable[[Path], None]
):
    told = asked(folder)
    rows = records.read(folder / "records.csv").records
    assert told.state == "complete" and told.runs == live.Runs(done=len(rows), all=len(rows))
    spoil(folder)
    assert essence(asked(folder)) == essence(told)


def test_its_numbers_are_those_of_the_records(folder: Path):
    rows = records.read(folder / "records.csv").records
    ended = Counter((row.variant, row.stage) for row in rows)
    for arm in asked(folder).arms:
        assert {stage: own.done for stage, own in arm.stages.items()} == {
            stage: ended[arm.arm, stage] for stage in records.STAGES if stage in arm.stages
        }
        scores = {
            row.point: row.val["accuracy"] or 0.0
            for row in rows
            if (row.variant, row.stage) == (arm.arm, "pool")
        }
        assert arm.best is not None
        assert arm.best.validation == max(scores.values()) == scores[arm.best.point]


def test_a_study_without_its_records_is_told_by_its_results(folder: Path):
    told = asked(folder)
    without_file(folder)
    (folder / "records.csv").unlink()
    for run in sorted((folder / "runs").glob("confirm-*"))[:3]:
        shutil.rmtree(run)
    found = asked(folder)
    assert found.state == "stopped" and found.runs.done == told.runs.done - 3
    assert found.runs.all is not None and not found.runs.exact
    assert [arm.best for arm in found.arms] == [arm.best for arm in told.arms]
    assert found.command.startswith("python -m sambench study ")
    assert found.stage == "confirm"


def test_what_was_begun_and_what_is_damaged_is_said(folder: Path):
    without_file(folder)
    (folder / "records.csv").unlink()
    one, two, *_ = sorted((folder / "runs").glob("pool-*"))
    (one / "result.json").rename(one / "checkpoint.pt")
    (two / "result.json").write_text("{}")
    remarks = asked(folder).remarks
    assert "1 results are damaged: their runs are repeated" in remarks
    assert "1 runs have a checkpoint, from which they go on" in remarks


def test_a_study_that_grew_since_its_records_is_not_complete(folder: Path):
    without_file(folder)
    path = folder / "study.json"
    kept = json.loads(path.read_text())
    kept["spec"]["search"]["searches"] = 3
    path.write_text(json.dumps(kept))
    found = asked(folder)
    assert found.state == "stopped" and found.runs.all is not None
    assert found.runs.all > found.runs.done


def test_a_driver_that_is_gone_is_no_driver(folder: Path):
    killed(folder)
    (folder / "records.csv").unlink()
    found = asked(folder)
    assert found.state == "stopped" and found.reason.startswith("process ")
    assert "was killed, or its host went down" in found.reason


def test_a_lock_that_is_held_is_a_driver(folder: Path):
    killed(folder)
    with filelock.FileLock(folder / "lock"):
        assert holder.is_held(folder) is True
        found = asked(folder)
        assert (found.state, found.runs.done) == ("running", 1)
        Holder("far", 1, "me", "2026-11-26 14:00:00").write(folder / "owner")  # not heard of yet
        found = asked(folder)
        assert (found.state, found.runs.done) == ("running", 17)
        assert (found.driver.pid, found.driver.host) == (1, "far")
        assert any("has not told yet" in remark for remark in found.remarks)
    assert holder.is_held(folder) is False


def test_where_the_lock_tells_nothing_the_last_word_counts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(holder, "is_held", lambda folder: None)
    killed(folder)
    content = read_sealed(folder / live.FILE) | {"driver": {"host": "far", "pid": 1}}
    for at, state in (
        (datetime.now(UTC), "running"),
        (datetime(2026, 1, 1, tzinfo=UTC), "complete"),
    ):
        write_sealed(folder / live.FILE, content | {"updated": at.isoformat()})
        assert asked(folder).state == state


def test_asking_changes_nothing_and_keeps_nobody_out(folder: Path):
    def seen() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}

    before = seen()
    asked(folder)
    without_file(folder)
    (folder / "lock").unlink()
    left = seen()
    asked(folder)
    assert seen() == left and set(left) < set(before)
    with filelock.FileLock(folder / "lock", blocking=False):
        pass


def test_a_failed_run_is_told_with_its_traceback(folder: Path):
    content = read_sealed(folder / live.FILE)
    run = next((folder / "runs").glob("pool-sam-*")).name
    own = {"run": run, "arm": "sam", "stage": "pool", "reason": "out of memory"}
    write_sealed(folder / live.FILE, content | {"failures": [own, own | {"run": "../../outside"}]})
    (folder / "runs" / run / "error.txt").write_text("Traceback")
    (folder.parent / "outside").mkdir()
    (folder.parent / "outside" / "error.txt").write_text("Traceback")
    told = [failure.traceback for failure in asked(folder).failures]
    assert told == [str(folder / "runs" / run / "error.txt"), None]


def test_a_study_that_cannot_be_told_does_not_hide_the_others(folder: Path):
    other = folder.parent / "other"
    other.mkdir()
    (other / "study.json").write_text("{")
    told = {name: (found is not None, fault) for name, found, fault in each(folder.parent)}
    assert told["tiny"] == (True, "") and not told["other"][0]
    assert "study.json is damaged" in told["other"][1]
    with pytest.raises(UserError, match="damaged"):
        asked(other)


def test_a_running_study_can_be_asked_from_outside(
    spec: dict[str, Any], run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """At every line that it prints; while it tries the variants it has not begun."""
    monkeypatch.setattr(display_file, "EVERY_S", 0.01)
    folder, states = tmp_path / "runs" / "tiny", []

    class Looking(io.StringIO):
        def write(self, text: str) -> int:
            if text.startswith("trying data"):
                with pytest.raises(UserError, match="no study has begun there so far"):
                    asked(folder)
            elif folder.joinpath("study.json").exists():
                found = asked(folder)
                states.append((found.state, found.stage))
            return super().write(text)

    run(spec, console=Console(file=Looking()))
    assert ("running", "pool") in states and ("running", "confirm") in states
    assert asked(folder).state == "complete"
    assert asked(folder).command.startswith("sambench.run_study(")


def test_an_interrupted_study_says_so(spec: dict[str, Any], run: Any, tmp_path: Path):
    class Stops(io.StringIO):
        def write(self, text: str) -> int:
            if "confirm: " in text:
                raise KeyboardInterrupt
            return super().write(text)

    with pytest.raises(KeyboardInterrupt):
        run(spec, console=Console(file=Stops()))
    found = asked(tmp_path / "runs" / "tiny")
    assert (found.state, found.reason) == ("stopped", "interrupted")
    run(spec)
    assert asked(tmp_path / "runs" / "tiny").state == "complete"
