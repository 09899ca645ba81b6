"""The drill: kill -9 at any moment, the same command again, and nothing has happened."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock

from sambench.cli import main
from sambench.records import Record

Recorded = Callable[[Path], list[Record]]
pytestmark = pytest.mark.slow


@pytest.fixture
def forked() -> Iterator[Any]:
    """Processes that start with everything imported, so that a kill costs no seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [
            "sambench.study.execution",
            "sambench.study.estimate",
            "sambench.render.terminal.leaderboard",
        ]
    )
    yield context


@pytest.fixture
def arguments(study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A command line whose study checkpoints after every epoch, with one thread everywhere."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("WANDB_MODE", "disabled")
    monkeypatch.chdir(tmp_path)
    options = ["--device", "cpu", "--workers", "1", "--checkpoint-every", "0"]
    return ["study", str(study_file), *options, "--set", "train.epochs=4"]


def start(context: Any, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "argv", ["sambench", *arguments])
    process = context.Process(target=_hears)
    process.start()
    return process


def _hears() -> None:
    """The fork server may be that of workers, who leave Ctrl-C to their parent, and may have been
    started with other threads."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    torch.set_num_threads(1)
    main()


def finish(process: Any) -> None:
    process.join(120)
    assert process.exitcode == 0


def test_killed_again_and_again(
    forked: Any,
    arguments: list[str],
    run: Any,
    recorded: Recorded,
    study_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """Ten kills at moments drawn by chance, from the first second to the last run."""
    run(study_file, ("train.epochs=4",), root=tmp_path / "whole")
    results = tmp_path / "runs" / "tiny" / "runs"
    rng, kills = random.Random(0), 0
    while kills < 10:
        done = len(list(results.glob("*/result.json")))
        process = start(forked, arguments, monkeypatch)
        while process.is_alive() and len(list(results.glob("*/*"))) <= done:
            time.sleep(0.005)  # until something new is on disk
        time.sleep(rng.uniform(0, 0.6))
        process.kill()
        process.join()
        kills += 1
        if process.exitcode == 0:
            break
        if kills % 3 == 0:  # as a kill in the middle of an append leaves it
            with (tmp_path / "runs" / "tiny" / "journal.log").open("ab") as journal:
                journal.write(b'{"op_code": 6, "worker_')
    assert kills >= 4
    finish(start(forked, arguments, monkeypatch))
    expected = recorded(tmp_path / "whole" / "tiny")
    assert recorded(tmp_path / "runs" / "tiny") == expected
    assert not list((tmp_path / "runs").rglob("*checkpoint*"))


def test_the_real_command_killed_while_it_tunes_and_while_it_confirms(
    arguments: list[str],
    run: Any,
    recorded: Recorded,
    study_file: Path,
    tmp_path: Path,
    warm_python: str,
):
    run(study_file, ("train.epochs=4",), root=tmp_path / "whole")
    folder = tmp_path / "runs" / "tiny" / "runs"
    for running in ("pool-plain-p1/checkpoint.pt", "confirm-sam-*/checkpoint.pt"):
        process = subprocess.Popen(
            [warm_python, "-m", "sambench", *arguments], stdout=subprocess.DEVNULL
        )
        wait_for(lambda running=running: list(folder.glob(running)), process)
        process.kill()
        process.wait()
        with FileLock(tmp_path / "runs" / "tiny" / "lock", timeout=60):
            pass  # it is gone
        assert not list(tmp_path.glob("runs/tiny/records.csv"))
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("*/result.json")}
    assert len(kept) >= 3
    done = subprocess.run(
        [warm_python, "-m", "sambench", *arguments], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert recorded(tmp_path / "runs" / "tiny") == recorded(tmp_path / "whole" / "tiny")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept  # not redone


def test_interrupted_it_ends_with_130_and_loses_nothing(
    forked: Any,
    arguments: list[str],
    run: Any,
    recorded: Recorded,
    study_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    many = "search.searches=2"  # so that a signal comes before the end, also on a busy machine
    run(study_file, ("train.epochs=4", many), root=tmp_path / "whole")
    arguments = [*arguments, "--set", many]
    results = tmp_path / "runs" / "tiny" / "runs"
    for number, running in ((signal.SIGINT, "pool"), (signal.SIGTERM, "confirm")):
        process = start(forked, arguments, monkeypatch)
        wait_for(lambda at=running: list(results.glob(f"{at}-*/checkpoint.pt")), process)
        for _ in range(5):  # a handler may run where Python drops exceptions: press again, then
            os.kill(process.pid, number)
            process.join(3)
            if process.exitcode is not None:
                break
        assert process.exitcode == 130
    assert len(list(results.glob("*/result.json"))) >= 6
    finish(start(forked, arguments, monkeypatch))
    assert recorded(tmp_path / "runs" / "tiny") == recorded(tmp_path / "whole" / "tiny")


def wait_for(condition: Callable[[], Any], process: Any, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        ended = process.poll() if hasattr(process, "poll") else process.exitcode
        assert ended is None, f"it ended too early, with {ended}"
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)
