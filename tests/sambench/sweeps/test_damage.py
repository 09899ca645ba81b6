"""Damaged files of sweeps, and ids that are paths: one line that names the file and the way out."""

import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from wandb.proto import wandb_internal_pb2

from sambench.errors import UserError, WorkFailed
from sambench.study.journal import open_journal
from sambench.sweeps import agent, dashboard, export, local_run, orphans, run_log, sweep_file
from sambench.sweeps.controller import Controller, Ended
from sambench.sweeps.local import LocalSweep

TABLES = {
    "method": "grid",
    "parameters": {"a": {"min": 1, "max": 3}},
    "command": ["${env}", "${interpreter}", "-c", "pass"],
}
NONSENSE = [b"", b"{", b"\xff\x00", b"[]", b"3", b'{"id": 3}', b"[" * 10**5]


@pytest.fixture
def local(tmp_path: Path) -> Callable[..., list[Ended]]:
    """Runs a sweep in tmp_path/s."""

    def run(count: int | None = None, say: Callable[[str], None] = print, **more: Any) -> Any:
        sweep = sweep_file.parse(TABLES | more)
        return LocalSweep(sweep, tmp_path / "s", say=say).run(count)

    return run


@pytest.mark.parametrize("content", [*NONSENSE, b'{"id": "flipped1", "sweep": {}}'])
def test_sweep_json_can_be_removed(local: Any, tmp_path: Path, content: bytes) -> None:
    local(1)
    path = tmp_path / "s" / "sweep.json"
    kept = json.loads(path.read_text())
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"sweep\.json is damaged; remove it"):
        local(1)
    path.unlink()
    assert [run.config for run in local(1)] == [{"a": 1}, {"a": 2}]  # nothing is lost
    assert json.loads(path.read_text()) == kept


def test_a_journal_that_lacks_what_a_run_is(local: Any, tmp_path: Path) -> None:
    local(1)
    path = tmp_path / "s" / "journal.log"
    path.write_text(path.read_text().replace("exit_code", "exit_cote"))
    with pytest.raises(UserError, match=r"journal\.log(: line \d+)? is damaged"):
        local(1)


def test_a_run_cut_off_while_its_end_was_noted(tmp_path: Path) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = open_journal(tmp_path / "journal.log")
    sweep = sweep_file.parse(TABLES)
    controller = Controller(sweep, "s", storage)
    planned = controller.ask()
    assert planned is not None
    (trial,) = optuna.load_study(study_name="s", storage=storage).trials
    storage.set_trial_user_attr(trial._trial_id, "state", "finished")  # and then it was killed
    again = Controller(sweep, "s", storage)
    assert again.ended() == []
    assert (found := again.ask()) is not None and found.config == planned.config


def test_a_file_may_change_until_a_run_is_over(local: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no-such-program"):
        local(command=["no-such-program"])
    local(1)
    with pytest.raises(UserError, match="these keys have changed since: command"):
        local(command=["no-such-program"])


def test_a_folder_that_is_deleted_under_a_sweep(local: Any, tmp_path: Path) -> None:
    def say(line: str) -> None:
        if line.startswith("run 0 "):
            shutil.rmtree(tmp_path / "s", ignore_errors=True)

    with pytest.raises(WorkFailed, match=f"{tmp_path}/s was deleted while the sweep ran"):
        local(1, say)


def test_a_value_that_no_argument_holds(local: Any) -> None:
    with pytest.raises(UserError, match="null byte"):
        local(parameters={"a": {"value": "\0"}}, command=["${env}", "true", "${args}"])


def test_nan_is_the_same_when_the_sweep_goes_on(local: Any) -> None:
    tables = {"a": {"values": [float("nan"), float("inf")]}}
    assert len(local(1, parameters=tables)) == 1
    assert len(local(parameters=tables)) == 2


@pytest.mark.parametrize("content", [*NONSENSE, b'["1", 2]', b"[-1, 0]", b"[1, 2, 3]"])
def test_what_should_name_an_orphan(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "running").mkdir()
    (tmp_path / "running" / "x").write_bytes(content)
    assert orphans.end(tmp_path) == 0
    assert not (tmp_path / "running" / "x").exists()


@pytest.mark.parametrize("given", ["x", "-1", "nan", "inf"])
def test_a_delay_that_is_none(local: Any, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("WANDB_AGENT_KILL_DELAY", given)
    with pytest.raises(UserError, match="WANDB_AGENT_KILL_DELAY: must be seconds"):
        local()
    monkeypatch.setenv("WANDB_AGENT_KILL_DELAY", "2.5")
    assert local_run.kill_delay_s() == 2.5


def _frame(value: str) -> bytes:
    record = wandb_internal_pb2.Record()
    record.history.item.add(key="loss", value_json=value)
    return _framed(record.SerializeToString())


def _framed(data: bytes) -> bytes:
    check = zlib.crc32(data, zlib.crc32(bytes([run_log.FULL])))
    return run_log.FRAME.pack(check, len(data), run_log.FULL) + data


def test_damaged_records_of_a_wandb_file_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "run-x.wandb"
    log = run_log.RunLog(path)
    log.update()  # it is not there yet
    garbage = _framed(b"\xff\xff\xff\xff")
    values = ("1.5", "{", "NaN", "1" * 5000, "1" + "0" * 400, "2.5")
    path.write_bytes(bytes(run_log.HEADER) + garbage + b"".join(map(_frame, values)))
    log.update()
    assert log.history("loss") == [1.5, 2.5] and not log.damaged
    path.write_bytes(path.read_bytes() + _frame("3.5").replace(b"3.5", b"9.5") + _frame("4.5"))
    log.update()
    assert log.history("loss") == [1.5, 2.5] and log.damaged  # ends where a check does not fit


@pytest.mark.parametrize("name", ["WANDB_SWEEP_ID", "WANDB_RUN_ID"])
@pytest.mark.parametrize("given", ["../../x", "/x", "a/b", ".", "..", "a\nb", "x" * 200, "é"])
def test_an_agents_ids_are_no_paths(monkeypatch: pytest.MonkeyPatch, name: str, given: str) -> None:
    monkeypatch.setenv("WANDB_SWEEP_ID", "abc")
    monkeypatch.setenv("WANDB_RUN_ID", "r-1")
    assert agent.called() == agent.Agent("abc", "r-1")
    monkeypatch.setenv(name, given)
    with pytest.raises(UserError, match=f"{name}: must be letters, digits") as error:
        agent.called()
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


@pytest.mark.parametrize("study", ["../x", "/x", "a/b", "..", ".", "", "x" * 300, "a\nb"])
def test_a_dashboard_stays_in_its_folder(tmp_path: Path, study: str) -> None:
    with pytest.raises(UserError, match="no name of a study"):
        dashboard.place(tmp_path, study)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"my notes", "not a dashboard"),
        (b"[" * 10**5, "not a dashboard"),
        (b"\xff", "not a dashboard"),
        (b"[]", "not a dashboard of format 2"),
        (b'{"format": 2}', "project: is required"),
        (b'{"format": 2, "project": 3}', "project: must be a string"),
    ],
)
def test_what_is_no_dashboard_is_neither_read_nor_replaced(
    tmp_path: Path, content: bytes, line: str
) -> None:
    path = tmp_path / "digits" / "dashboard.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(UserError, match=line):
        dashboard.place(tmp_path, "digits")
    assert path.read_bytes() == content


def test_an_export_replaces_only_its_own_files(tmp_path: Path) -> None:
    mine, yours = tmp_path / "sweep-a.yaml", tmp_path / "sweep-b.yaml"
    yours.write_text("method: grid\n")
    with pytest.raises(UserError, match=r"sweep-b\.yaml is not from `sweep export`; move it away"):
        export.write({mine: {"a": 1}, yours: {"a": 2}})
    assert yours.read_text() == "method: grid\n" and not mine.exists()
    for value in (1, 2):
        export.write({mine: {"a": value}})
        assert yaml.safe_load(mine.read_text()) == {"a": value}
