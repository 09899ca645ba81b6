"""A real PostgreSQL keeps the trials: one driver, also from another folder, and restarts."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
import psycopg
import pytest
from postgres_server import PASSWORD, QUOTED, Server, serving

from sambench import config
from sambench.cli import main
from sambench.errors import UserError, WorkFailed
from sambench.study import database
from sambench.study.folder import StudyFolder
from sambench.study.holder import Held
from sambench.study.tuner import Tuner, study_name
from sambench.training import Outcome

pytestmark = pytest.mark.xdist_group("postgres")  # one server
Spec = dict[str, Any]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def folder(spec: Spec, tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "runs", config.parse(spec))


def elsewhere(folder: StudyFolder, tmp_path: Path) -> StudyFolder:
    """The same study in another root, as on a host that shares no files."""
    return StudyFolder(tmp_path / "elsewhere", folder.study)


def trials(server: Server, folder: StudyFolder) -> dict[str, list[optuna.trial.FrozenTrial]]:
    study = folder.study
    with folder.opened(server.url) as storage:
        return {
            arm.label: optuna.load_study(study_name=study_name(study, arm), storage=storage).trials
            for arm in study.arms()
        }


def test_a_second_driver_is_told_who_holds_the_study(
    server: Server, folder: StudyFolder, tmp_path: Path
):
    with folder.opened(server.url):
        with pytest.raises(Held) as told, elsewhere(folder, tmp_path).opened(server.url):
            pass
        assert f"is being run already, by process {os.getpid()} of " in str(told.value)
        assert " UTC; wait for it, or use --fork NAME" in str(told.value)
    with elsewhere(folder, tmp_path).opened(server.url):
        pass


def test_other_studies_of_the_database_are_free(
    server: Server, folder: StudyFolder, spec: Spec, tmp_path: Path
):
    fork = StudyFolder(tmp_path / "runs", config.parse(spec | {"name": "fork"}))
    with folder.opened(server.url), fork.opened(server.url):
        pass


def test_a_driver_that_is_killed_holds_nothing(server: Server, folder: StudyFolder, spec: Spec):
    program = (
        "import sys, time\n"
        "from sambench import config\n"
        "from sambench.study.folder import StudyFolder\n"
        f"folder = StudyFolder(__import__('pathlib').Path({str(folder.path.parent)!r}), "
        f"config.parse({spec!r}))\n"
        "with folder.opened(sys.stdin.readline().strip()):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(600)\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    driver = subprocess.Popen([sys.executable, "-c", program], **pipes)
    try:
        assert driver.stdin is not None and driver.stdout is not None
        driver.stdin.write(server.url + "\n")
        driver.stdin.flush()
        assert driver.stdout.readline() == "held\n"
        with pytest.raises(Held, match=f"by process {driver.pid} of "), folder.opened(server.url):
            pass
    finally:
        driver.kill()
        driver.communicate()
    with folder.opened(server.url):
        pass


def test_a_restart_in_mid_study_changes_nothing(
    server: Server, run: Any, recorded: Any, spec: Spec, tmp_path: Path, monkeypatch: Any
):
    """It is away for a while when an epoch is reported, and again when a trial ends."""
    spec["name"] = "restarted"
    calls = iter(range(10_000))
    away: list[threading.Thread] = []

    def interrupted(method: Any) -> Any:
        def call(*words: Any) -> Any:
            if next(calls) in (2, 7):
                server.stop()
                away.append(threading.Timer(1.0, server.start))
                away[-1].start()
            return method(*words)

        return call

    monkeypatch.setattr(Tuner, "report", interrupted(Tuner.report))
    monkeypatch.setattr(Tuner, "tell", interrupted(Tuner.tell))
    run(spec, storage=server.url)
    for thread in away:
        thread.join()
    assert len(away) == 2
    monkeypatch.undo()
    at = tmp_path / "runs" / "restarted"
    disturbed = recorded(at)
    found = trials(server, StudyFolder(tmp_path / "runs", config.parse(spec)))
    points = {label: [t.user_attrs["point"] for t in own] for label, own in found.items()}
    assert points == {"sam": [0], "plain": [0, 1]}
    assert all(t.state.name == "COMPLETE" for own in found.values() for t in own)
    assert [sorted(t.intermediate_values) for t in found["plain"]] == [[50, 100]] * 2
    run(spec, root=tmp_path / "undisturbed")
    assert recorded(tmp_path / "undisturbed" / "restarted") == disturbed


def test_a_call_whose_answer_was_lost_is_not_done_twice(
    server: Server, folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
):
    """The trial was made; the connection broke before anyone here heard of it."""
    with folder.opened(server.url) as storage:
        tuner = Tuner(folder.study, folder.arms["sam"], storage)
        made = storage.create_new_trial
        gone = psycopg.OperationalError("server closed the connection unexpectedly")

        def lost(*words: Any) -> int:
            made(*words)
            monkeypatch.undo()
            raise database.OperationalError("INSERT", {}, gone)

        monkeypatch.setattr(storage, "create_new_trial", lost)
        tuner.ask(0)
        tuner.tell(0, Outcome("complete", scores={"val_accuracy": 0.5}))
        (trial,) = tuner._optuna.get_trials()
        assert trial.state.name == "COMPLETE"


def test_a_connection_that_the_server_still_sees_is_our_own(
    server: Server, folder: StudyFolder, tmp_path: Path
):
    """As after a network that failed: the driver takes the study from itself, and only so."""
    with folder.opened(server.url) as storage:
        assert isinstance(storage, database.Database)
        tuner = Tuner(folder.study, folder.arms["sam"], storage)
        connection = storage._backend.engine.raw_connection()
        connection.detach()  # out of the pool, and open
        tuner.ask(0)
        with pytest.raises(Held), elsewhere(folder, tmp_path).opened(server.url):
            pass
        with suppress(psycopg.Error):
            connection.close()


def test_a_driver_that_comes_back_too_late_is_told_so(
    server: Server, folder: StudyFolder, tmp_path: Path
):
    with pytest.raises(Held, match="is being run already, by process"):
        with folder.opened(server.url) as storage:
            tuner = Tuner(folder.study, folder.arms["sam"], storage)
            server.restart()
            with elsewhere(folder, tmp_path).opened(server.url):
                tuner.ask(0)


def test_a_database_that_stays_away_ends_the_study_in_a_line(
    server: Server, folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database, "PATIENCE_S", 0.5)
    said: list[str] = []
    try:
        with pytest.raises(WorkFailed) as told, folder.opened(server.url, said.append) as storage:
            tuner = Tuner(folder.study, folder.arms["sam"], storage)
            server.stop()
            tuner.ask(0)
    finally:
        server.start()
    text = str(told.value)
    assert "finished runs are kept, and the same command goes on from them" in text
    assert len(said) == 1 and "went away" in said[0]
    for line in (text, *said):
        assert "\n" not in line and "SELECT" not in line
        assert PASSWORD not in line and QUOTED not in line


def test_a_wrong_password_is_not_told(server: Server, folder: StudyFolder):
    url = server.url.replace(QUOTED, "wr0ngword")
    with pytest.raises(UserError) as told, folder.opened(url):
        pass
    assert "password authentication failed for user" in str(told.value)
    assert "wr0ngword" not in str(told.value)


def test_the_password_is_nowhere(
    server: Server,
    study_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    """In no output and no file of a study, W&B's included."""
    monkeypatch.chdir(tmp_path)
    words = ["study", str(study_file), "--storage", server.url, "--fork", "secret"]
    options = ["--wandb", "offline", "--workers", "1", "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", ["sambench", *words, *options])
    with pytest.raises(SystemExit) as done:
        main()
    output = "".join(capfd.readouterr())
    assert done.value.code == 0, output
    assert not any(secret in output for secret in (PASSWORD, QUOTED))
    files = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert any(path.suffix == ".wandb" for path in files)
    for path in files:
        content = path.read_bytes()
        assert not any(secret.encode() in content for secret in (PASSWORD, QUOTED)), path
    assert not (tmp_path / "runs" / "secret" / "journal.log").exists()
    study = config.load(str(study_file), ['name="secret"'], root=tmp_path / "runs")
    found = trials(server, StudyFolder(tmp_path / "runs", study))
    assert [len(own) for own in found.values()] == [1, 2]
    assert all(trial.user_attrs["wandb"] for own in found.values() for trial in own)
