"""live.json: what a driver writes of its study for whoever looks at it from outside."""

import io
import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sambench import config
from sambench.study import live
from sambench.study.display import Display, file
from sambench.study.expected import expected_runs
from sambench.study.protocol import Protocol
from sambench.training import Outcome, Run


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "EVERY_S", 0.01)


class Played:
    """A display of the tiny study, of two workers, and its runs."""

    def __init__(self, spec: dict[str, Any], folder: Path, **options: Any) -> None:
        study = config.parse(spec)
        arms = {arm.label: arm for arm in study.arms()}
        protocol = Protocol(study, arms, "cpu")
        expected = expected_runs(study, arms.values())
        silent = Console(file=io.StringIO())
        self.folder = folder
        self.display = Display(
            silent, study, [*arms.values()], expected, 2, folder=folder, **options
        )
        self.pool = [
            protocol.pool_run(arm, i, {"lr": 0.03, **dict.fromkeys(arm.space, 0.07)})
            for i in range(2)
            for arm in arms.values()
            if i < protocol.size(arm)
        ]

    def told(self, until: Any = lambda found: True) -> live.Live:
        """The file, once it is so."""
        found = None
        for _ in range(500):
            found = live.read(self.folder)
            if found is not None and until(found):
                return found
            time.sleep(0.01)
        raise AssertionError(found)

    def end(self, run: Run, outcome: str = "complete", score: float | None = 0.5) -> None:
        scores = {"test_accuracy": 0.98765}
        scores |= {} if score is None else {"val_accuracy": score}
        reason = "out of memory" if outcome == "failed" else ""
        ended = Outcome(outcome, reason, scores=scores)
        self.display.ended(run, ended)


@pytest.fixture
def played(spec: dict[str, Any], tmp_path: Path) -> Played:
    return Played(spec, tmp_path)


def test_it_tells_what_runs_where_and_how_far(played: Played):
    first, second, third = played.pool
    here = socket.gethostname()
    with played.display as display:
        display.stage("pool", played.pool, ())
        display.started(first)
        display.epoch(first, {"epoch": 1, "val_accuracy": 0.25})
        display.started(second, "")
        found = played.told(lambda found: len(found.workers) == 2)
        assert (found.state, found.stage, found.later) == (
            "running",
            "pool",
            ["confirm", "setting"],
        )
        assert (found.driver.pid, found.driver.host) == (os.getpid(), here)
        one, two = found.workers
        assert (one.worker, one.arm, one.stage, one.point) == (0, first.label, "pool", 0)
        assert (one.epoch, one.epochs, one.validation, one.where) == (1, 2, 0.25, f"{here} cpu")
        assert one.since <= one.heard <= found.updated
        assert two.where == "" and two.validation is None
        display.placed(second, "gpu07 cuda:1")
        played.end(first)
        found = played.told(lambda found: len(found.workers) == 1)
        assert found.workers[0].where == "gpu07 cuda:1" and found.workers[0].worker == 1
        arm = next(arm for arm in found.arms if arm.arm == first.label)
        assert arm.best is not None
        assert arm.best.model_dump() == {
            "validation": 0.5, "lr": first.lr, "rho": first.rho, "point": 0
        }  # fmt: skip
        assert arm.stages["pool"].done == 1 and arm.complete == 1
        assert found.runs.done == 1 and not found.runs.exact
        assert third.id not in {own.run for own in found.workers}
    assert "98765" not in (played.folder / live.FILE).read_text()


def test_failures_are_listed_with_their_reasons(played: Played):
    with played.display as display:
        display.stage("pool", played.pool, ())
        display.started(played.pool[0])
        played.end(played.pool[0], "failed", None)
        found = played.told(lambda found: found.failures)
    (failure,) = found.failures
    assert (failure.run, failure.reason) == (played.pool[0].id, "out of memory")
    assert [arm.failed for arm in found.arms if arm.arm == failure.arm] == [1]


def test_more_runs_than_workers_may_be_under_way(played: Played):
    """An engine queues them."""
    with played.display as display:
        display.stage("pool", played.pool, ())
        for run in played.pool:
            display.started(run, "")
        assert len(played.told(lambda found: len(found.workers) == 3).workers) == 3
        for run in played.pool:
            played.end(run)
        assert played.told(lambda found: found.runs.done == 3).workers == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (
            RuntimeError("no route to postgresql://me:secret@db/x"),
            "no route to postgresql://me:***",
        ),
        (None, "runs are missing"),
    ],
)
def test_it_says_why_it_ended_early(played: Played, error: BaseException | None, reason: str):
    display = played.display.__enter__()
    display.stage("pool", played.pool, ())
    display.started(played.pool[0])
    display.__exit__(type(error) if error else None, error, None)
    found = played.told()
    assert found.state == "stopped" and found.reason.startswith(reason)
    assert "secret" not in (played.folder / live.FILE).read_text()


def test_passwords_are_not_in_the_command(spec: dict[str, Any], tmp_path: Path):
    url = "postgresql+psycopg://me:s3cr3t@db.example.org/studies"
    with Played(spec, tmp_path, command=f"python -m sambench study --storage {url}").display:
        pass
    found = live.read(tmp_path)
    assert found is not None
    assert found.command.endswith("--storage postgresql+psycopg://me:***@db.example.org/studies")
    assert found.directory == os.getcwd()


def test_a_score_that_is_none_stops_nothing(played: Played):
    """A run that diverges tells of its last epoch, too."""
    with played.display as display:
        display.stage("pool", played.pool, ())
        display.started(played.pool[0])
        display.epoch(played.pool[0], {"epoch": 1, "val_accuracy": float("nan")})
        found = played.told(lambda found: found.workers and found.workers[0].epoch == 1)
    assert found.workers[0].validation is None


def test_a_removed_folder_is_not_made_again(spec: dict[str, Any], tmp_path: Path):
    gone = tmp_path / "gone"
    with Played(spec, gone).display:
        pass
    assert not gone.exists()


def test_it_is_whole_whenever_it_is_read(played: Played):
    stop = threading.Event()
    seen = 0

    def look() -> None:
        nonlocal seen
        while not stop.is_set():
            seen += live.read(played.folder) is not None

    with played.display as display:
        reader = threading.Thread(target=look)
        reader.start()
        display.stage("pool", played.pool, ())
        for run in played.pool:
            display.started(run)
            display.epoch(run, {"epoch": 1, "val_accuracy": 0.1})
            time.sleep(0.03)
            played.end(run)
        stop.set()
        reader.join()
    assert seen


DAMAGED = [
    "",
    "{}",
    '{"study": "tiny"',
    json.dumps({"study": "tiny", "state": "running", "check": "0" * 64}),
]


@pytest.mark.parametrize("text", DAMAGED)
def test_damage_is_noticed(tmp_path: Path, text: str):
    (tmp_path / live.FILE).write_text(text)
    with pytest.raises(ValueError, match=r".+"):
        live.read(tmp_path)


def test_a_newer_version_may_tell_more(played: Played):
    from sambench.files import read_sealed, write_sealed

    with played.display:
        pass
    path = played.folder / live.FILE
    content = read_sealed(path)
    write_sealed(path, content | {"weather": "fine"})
    assert played.told().study == "tiny"
