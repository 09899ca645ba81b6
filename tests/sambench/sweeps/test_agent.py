"""The real `wandb sweep` and `wandb agent` drive an exported sweep, against a server of ours."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from sambench import records

LONG, SHORT, WRONG = (
    {"lr": 0.1, "rho": 0.05},
    {"lr": 0.03, "rho": 0.2, "length": 0.001},
    {"lr": -1.0, "rho": 0.1},
)
OF_ONES_OWN = """
program: sambench
method: random
metric: {name: val_accuracy, goal: maximize}
parameters:
  lr: {min: 0.01, max: 0.5}
  rho: {min: 0.01, max: 0.5}
"""


def wait_for(found: Callable[[], Any], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.2)


@pytest.fixture
def agents(
    environment: dict[str, str], tmp_path: Path, warm_python: str
) -> Callable[..., subprocess.Popen[bytes]]:
    """Starts `wandb ...` in tmp_path, with the variables of a server."""

    def start(server: Any, *arguments: str) -> subprocess.Popen[bytes]:
        env = environment | server.env | {"WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": "0.5"}
        with (tmp_path / f"{arguments[0]}.log").open("ab") as log:
            command = [warm_python, "-m", "wandb", *arguments]
            return subprocess.Popen(command, cwd=tmp_path, env=env, stdout=log, stderr=log)

    return start


@pytest.mark.slow
def test_an_agent_runs_points_of_the_pool(
    sambench: Callable[..., subprocess.CompletedProcess[str]],
    agents: Callable[..., subprocess.Popen[bytes]],
    wandb_server: ModuleType,
    study_file: Path,
    tmp_path: Path,
    warm_python: str,
) -> None:
    done = sambench("sweep", "export", study_file.name, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    file = tmp_path / "runs" / "tiny" / "sweep-plain.yaml"
    file.write_text(file.read_text().replace(sys.executable, warm_python))
    with wandb_server.Server([{"point": 1}, {"point": 2}]) as server:
        assert agents(server, "sweep", str(file)).wait(120) == 0
        assert server.sweeps["swp00000"] == yaml.safe_load(file.read_text())
        assert agents(server, "agent", "me/sambench/swp00000").wait(300) == 0
        known, beyond = server.buckets["run00000"], server.buckets.get("run00001")
    assert beyond is None  # no point of the pool: refused before W&B hears of it
    assert (known.sweep, known.group, known.exit_code) == ("swp00000", "tiny/plain", 0)
    assert known.config["point"] == 1 and known.config["lr"] > 0
    result = tmp_path / "runs" / "tiny" / "runs" / "pool-plain-p1" / "result.json"
    outcome = json.loads(result.read_text())["outcome"]
    assert known.history[-1]["val_accuracy"] == outcome["scores"]["val_accuracy"]
    assert len(list(result.parents[1].iterdir())) == 1
    (line,) = (tmp_path / "runs/tiny/wandb/tracked.jsonl").read_text().splitlines()
    assert json.loads(line)["path"] == f"{server.url}/me/sambench/runs/run00000"


@pytest.mark.slow
def test_two_agents_one_of_them_killed_and_a_trial_that_fails(
    agents: Callable[..., subprocess.Popen[bytes]],
    wandb_server: ModuleType,
    study_file: Path,
    tmp_path: Path,
    warm_python: str,
) -> None:
    """A sweep of one's own."""
    command = [warm_python, "-m", "sambench", "trial", str(study_file), "--variant", "sam",
               "--set", "train.epochs=2000", "--device", "cpu", "${args}"]  # fmt: skip
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(OF_ONES_OWN), "command": command}))
    with wandb_server.Server([LONG, SHORT, WRONG]) as server:

        def start(*arguments: str) -> subprocess.Popen[bytes]:
            return agents(server, *arguments)

        assert start("sweep", str(file)).wait(120) == 0
        first = start("agent", "--forward-signals", "me/sambench/swp00000")
        wait_for(lambda: "run00000" in server.buckets and server.buckets["run00000"].history)
        second = start("agent", "me/sambench/swp00000")
        wait_for(lambda: "run00001" in server.handed)
        os.kill(first.pid, signal.SIGTERM)
        assert second.wait(300) == 0
        first.wait(120)
        long, short = server.buckets["run00000"], server.buckets["run00001"]
    rows = {row.lr: row for row in records.read(tmp_path / "runs/tiny/records.csv").records}
    assert set(rows) == {0.1, 0.03}  # a learning rate below zero is no trial
    stopped, complete = rows[0.1], rows[0.03]
    assert {row.source for row in rows.values()} == {"sweep"}
    assert {(row.stage, row.point) for row in rows.values()} == {("sweep", 0), ("sweep", 1)}
    assert (stopped.outcome, stopped.reason) == ("pruned", "stopped by SIGTERM")
    assert 0 < stopped.epochs_done < 2000
    assert (complete.outcome, complete.epochs) == ("complete", 2)
    for bucket, row in ((long, stopped), (short, complete)):
        assert (bucket.sweep, bucket.group) == ("swp00000", "tiny/sam")
        assert (bucket.config["lr"], bucket.config["rho"]) == (row.lr, row.rho)
        assert bucket.config["variant"] == "sam" and bucket.exit_code == 0
        assert bucket.summary["state"] == row.outcome
        assert len(bucket.history) == row.epochs_done
        assert bucket.history[-1]["val_accuracy"] == row.val["accuracy"]
