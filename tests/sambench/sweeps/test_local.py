"""`sweep run --local`: programs of any make, without a server, a login or a network."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

Sambench = Callable[..., subprocess.CompletedProcess[str]]

# As in W&B's sweep tutorial: nothing in it knows of us.
TUTORIAL = """
import time
import wandb

def main():
    run = wandb.init()
    lr = wandb.config.lr
    for epoch in range(run.config.epochs):
        loss = lr + 1 / (epoch + 1)
        run.log({"epoch": epoch, "val": {"loss": loss}})
        time.sleep(0.6 if lr > 1 else 0.05)

main()
"""


def write(folder: Path, program: str, sweep: dict[str, Any]) -> None:
    (folder / "train.py").write_text(program)
    (folder / "sweep.yaml").write_text(yaml.safe_dump({"program": "train.py", **sweep}))


def runs(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_tutorials_script_is_swept_and_stopped_early(sambench: Sambench, tmp_path: Path) -> None:
    sweep = {
        "method": "grid",
        "name": "tutorial",
        "project": "mine",
        "metric": {"name": "val.loss", "goal": "minimize"},
        "parameters": {"lr": {"values": [0.5, 0.1, 5.0]}, "epochs": {"value": 12}},
        "command": ["${env}", "${interpreter}", "${program}"],
        "early_terminate": {"type": "hyperband", "min_iter": 2, "eta": 2},
    }
    write(tmp_path, TUTORIAL, sweep)
    found = runs(sambench("sweep", "run", "sweep.yaml", "--local", "--json"))
    assert [run["config"]["lr"] for run in found] == [0.1, 0.5, 5.0]  # best first
    best, _, worst = found
    assert best["state"] == "finished" and len(best["history"]) == 12
    assert best["last"] == pytest.approx(0.1 + 1 / 12)
    assert worst["state"] == "stopped" and 2 <= len(worst["history"]) < 12
    folder = tmp_path / "runs" / "sweeps" / "tutorial"
    assert len(list(folder.glob("wandb/offline-run-*"))) == 3
    sweep_id = json.loads((folder / "sweep.json").read_text())["id"]
    logged = _records(next(folder.glob(f"wandb/offline-run-*-{best['run_id']}/*.wandb")))
    assert (logged["sweep_id"], logged["project"]) == (sweep_id, "mine")
    assert logged["config"]["lr"] == 0.1  # from the agent's file: the script was given no argument


def _records(path: Path) -> dict[str, Any]:
    from wandb.proto import wandb_internal_pb2

    from sambench.sweeps.run_log import RunLog

    log, found = RunLog(path), {}
    for data in log._frames():
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.HasField("run"):
            found = {"sweep_id": record.run.sweep_id, "project": record.run.project}
            found["config"] = {i.key: json.loads(i.value_json) for i in record.run.config.update}
    return found


PLAIN = """
import json, os, sys, time
with open("calls", "a") as file:
    file.write(json.dumps([sys.argv[1:], os.environ["WANDB_RUN_ID"]]) + "\\n")
time.sleep(float(os.environ.get("SLEEP", "0")))
if "--a=2" in sys.argv:
    print("I cannot do two")
    sys.exit(3)
"""
GRID = {"method": "grid", "parameters": {"a": {"min": 1, "max": 4}}}


def calls(folder: Path) -> list[tuple[list[str], str]]:
    return [tuple(json.loads(line)) for line in (folder / "calls").read_text().splitlines()]


def test_programs_without_wandb_failures_and_counts(sambench: Sambench, tmp_path: Path) -> None:
    write(tmp_path, PLAIN, GRID)
    done = sambench("sweep", "run", "sweep.yaml", "--local", "--count", "2", "--json")
    assert [(run["config"]["a"], run["state"]) for run in runs(done)] == [
        (1, "finished"),
        (2, "failed"),
    ]
    assert "exit code 3: I cannot do two" in done.stderr
    assert "failed; 2 of 4 over" in done.stderr
    table = sambench("sweep", "run", "sweep.yaml", "--local")
    assert (
        "going on after 2 runs" in table.stdout and "4 runs: 1 failed, 3 finished" in table.stdout
    )
    assert [words for words, _ in calls(tmp_path)] == [[f"--a={a}"] for a in (1, 2, 3, 4)]
    assert len({run_id for _, run_id in calls(tmp_path)}) == 4
    again = runs(sambench("sweep", "run", "sweep.yaml", "--local", "--json"))
    assert len(again) == len(calls(tmp_path)) == 4  # there is nothing left to do


def _children(folder: Path) -> list[psutil.Process]:
    """Programs that still run in a folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if process.info["cwd"] == str(folder) and process.info["cmdline"]:
            found.append(process)
    return found


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_interrupted_it_goes_on(
    sambench: Sambench, tmp_path: Path, environment: dict[str, str], by: signal.Signals
) -> None:
    write(tmp_path, PLAIN, GRID)
    command = [sys.executable, "-m", "sambench", "sweep", "run", "sweep.yaml", "--local"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment | {"SLEEP": "600"}, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 120
        while not (tmp_path / "calls").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        os.kill(process.pid, by)
        assert process.wait(60) == (130 if by == signal.SIGTERM else -by)
    found = runs(sambench("sweep", "run", "sweep.yaml", "--local", "--workers", "2", "--json"))
    assert sorted(run["config"]["a"] for run in found) == [1, 2, 3, 4]
    assert not any("train.py" in p.info["cmdline"] for p in _children(tmp_path))
    first, *rest = calls(tmp_path)
    again = [run_id for words, run_id in rest if words == first[0]]
    assert len(again) == 1 and again[0] != first[1]  # once more, as a run of its own


def test_a_changed_file_is_refused(sambench: Sambench, tmp_path: Path) -> None:
    write(tmp_path, PLAIN, GRID)
    assert sambench("sweep", "run", "sweep.yaml", "--local", "--count", "1").returncode == 0
    write(tmp_path, PLAIN, {"method": "grid", "parameters": {"a": {"values": [1]}}})
    done = sambench("sweep", "run", "sweep.yaml", "--local")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "these keys have changed since: parameters" in done.stderr
