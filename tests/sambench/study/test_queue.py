"""What `status` says of runs that a cluster has without their driver; its commands are imitated."""

import json
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sambench.render.terminal import status as shown
from sambench.study.status import status

COMMANDS = ("sbatch", "srun", "squeue", "scontrol", "scancel")


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes squeue print these lines."""
    (bin := tmp_path / "bin").mkdir()
    for name in COMMANDS:
        (bin / name).write_text("#!/bin/sh\n")
        (bin / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(bin), prepend=os.pathsep)

    def says(lines: str) -> None:
        (bin / "squeue").write_text(f"#!/bin/sh\ncat <<'END'\n{lines}\nEND\n")

    return says


@pytest.fixture
def folder(spec: dict[str, Any], run: Any, tmp_path: Path) -> Path:
    """A study of which the first point of each arm has ended, and the second is in the queue."""
    spec["search"]["searches"] = 2
    run(spec, points=range(1))
    folder = tmp_path / "runs" / "tiny"
    (folder / "live.json").unlink()
    array = folder / "slurm" / "7"
    array.mkdir(parents=True)
    runs = [f"pool-{label}-p1" for label in ("plain", "sam")]
    (array / "runs.json").write_text(json.dumps(runs))
    (array / "7_0_epochs.jsonl").write_text('{"epoch": 1, "val_accuracy": 0.5}\n')
    return folder


def drawn(folder: Path) -> str:
    console = Console(file=StringIO(), width=80)
    found = status(folder, folder.parent)
    console.print(shown.render(found, found.updated, 80))
    return console.file.getvalue()  # pyright: ignore


def test_what_runs_where_and_what_waits(folder: Path, queue: Callable[[str], None]):
    queue("7_0|RUNNING|node3|2026-11-26T16:00:00\n7_1|PENDING||N/A")
    found = status(folder, folder.parent)
    assert (found.state, found.queued, found.runs.done) == ("detached", 1, 2)
    (own,) = found.workers
    assert (own.where, own.run, own.arm, own.point) == ("node3", "pool-plain-p1", "plain", 1)
    assert (own.epoch, own.validation) == (1, 0.5) and own.lr is not None
    assert found.left_s is not None and found.left_s > 0
    stages = {arm.arm: arm.stages["pool"] for arm in found.arms}
    assert (stages["plain"].running, stages["sam"].running) == (1, 0)
    lines = drawn(folder).splitlines()
    assert lines[0].rstrip() == "tiny: in the cluster's queue: 1 running, 1 waiting"
    assert any("node3" in line and "plain" in line for line in lines)
    assert all(len(line) <= 80 for line in lines)


def test_jobs_that_have_ended_are_not_told_of(folder: Path, queue: Callable[[str], None]):
    queue("7_0|COMPLETED|node3|2026-11-26T16:00:00\n7_1|CANCELLED||N/A")
    assert status(folder, folder.parent).state == "stopped"


def test_names_that_are_no_runs_are_passed_over(folder: Path, queue: Callable[[str], None]):
    """The file lies where others may write."""
    (folder / "slurm" / "7" / "runs.json").write_text('["../../outside", "pool-none-p0"]')
    queue("7_0|RUNNING|node3|N/A\n7_1|RUNNING|node3|N/A")
    found = status(folder, folder.parent)
    assert (found.state, found.workers) == ("stopped", [])


def test_a_queue_that_cannot_be_asked_is_a_remark(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(folder))
    (remark,) = [line for line in status(folder, folder.parent).remarks if "queue" in line]
    assert remark.startswith("what is in its cluster's queue is not known here: --on slurm: sbatch")
