"""What Slurm's queue holds of a study, for whoever is not its driver. Changes nothing there."""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sambench.executors import slurm_queue
from sambench.executors.executor import EpochRow
from sambench.executors.slurm_arrays import FOLDER, RUNS, ids
from sambench.executors.slurm_queue import State
from sambench.executors.slurm_told import Told


@dataclass(frozen=True)
class Left:
    """A job that waits, or is executed."""

    job: str
    """as messages call it"""
    host: str
    """empty: it waits"""
    since: datetime | None = None
    """when it came there"""
    epoch: EpochRow | None = None
    """the last that it told of"""
    heard: datetime | None = None
    """when that was"""


def left(folder: Path) -> list[Left]:
    """Of the study in this folder, by array. UserError where Slurm does not answer."""
    submitted = sorted(folder.glob(f"{FOLDER}/*/{RUNS}"), key=lambda path: path.stat().st_mtime)
    if not submitted:
        return []
    slurm_queue.check()
    queue = slurm_queue.jobs(slurm_queue.name_of(folder))
    found = []
    for path in submitted:
        with suppress(OSError, ValueError):
            runs = json.loads(path.read_text())
            found += [
                _left(run, id, queue[id], path.parent)
                for run, id in zip(runs, ids(path.parent.name, len(runs)), strict=True)
                if id in queue and not queue[id].ended
            ]
    return found


def _left(run: str, id: str, state: State, folder: Path) -> Left:
    if state.name == "PENDING":
        return Left(run, "")
    told = Told(folder, id)
    rows = told.heard()
    heard = datetime.fromtimestamp(told.files[0].stat().st_mtime).astimezone() if rows else None
    return Left(run, state.nodes, state.since, rows[-1] if rows else None, heard)
