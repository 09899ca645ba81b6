"""The real `wandb sweep` and `wandb agent` drive an exported sweep, against a server of ours."""

import os
import shutil
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

WANDB = Path(sys.executable).with_name("wandb")
LONG, SHORT, WRONG = (
    {"lr": 0.1, "rho": 0.05},
    {"lr": 0.03, "rho": 0.2, "epochs_factor": 0.001},
    {"lr": -1.0, "rho": 0.1},
)


def wait_for(found: Callable[[], Any], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.2)


@pytest.mark.slow
def test_two_agents_one_of_them_killed_and_a_trial_that_fails(
    sambench: Callable[..., subprocess.CompletedProcess[str]],
    environment: dict[str, str],
    wandb_server: ModuleType,
    tiny: Path,
    tmp_path: Path,
) -> None:
    shutil.copy(tiny, tmp_path / "tiny.toml")
    words = ("--variant", "sam", "--set", "train.epochs=2000", "--device", "cpu")
    done = sambench("sweep", "export", "tiny.toml", *words)
    assert done.returncode == 0, done.stderr
    file = tmp_path / "runs" / "tiny" / "sweep-sam.yaml"
    with wandb_server.Server([LONG, SHORT, WRONG]) as server:
        env = environment | server.env | {"WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": "0.5"}

        def start(*arguments: str) -> subprocess.Popen[bytes]:
            with (tmp_path / f"{arguments[0]}.log").open("ab") as log:
                return subprocess.Popen(
                    [WANDB, *arguments], cwd=tmp_path, env=env, stdout=log, stderr=log
                )

        assert start("sweep", str(file)).wait(120) == 0
        assert server.sweeps["swp00000"] == yaml.safe_load(file.read_text())
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
    assert {row.trial for row in rows.values()} == {2, 3}
    assert (stopped.outcome, stopped.reason) == ("pruned", "stopped by SIGTERM")
    assert 0 < stopped.epochs_done < 2000
    assert (complete.outcome, complete.epochs) == ("complete", 2)
    for bucket, row in ((long, stopped), (short, complete)):
        assert (bucket.sweep, bucket.group) == ("swp00000", "tiny")
        assert (bucket.config["lr"], bucket.config["rho"]) == (row.lr, row.rho)
        assert bucket.config["variant"] == "sam" and bucket.exit_code == 0
        assert bucket.summary["state"] == row.outcome
        assert len(bucket.history) == row.epochs_done
        assert bucket.history[-1]["val_accuracy"] == row.val_accuracy
