"""What Slurm knows of a study's jobs: one call of a command for all of them."""

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sambench.errors import UserError, shortened

PATIENCE_S = 60.0  # of a controller that is busy
ENDED = {
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
}
"""States of a job that does nothing any more, unless it is requeued at once."""
UNREACHED = "--on slurm: no Slurm answers here"


@dataclass(frozen=True)
class State:
    """A job as the controller sees it."""

    name: str
    """such as "RUNNING\""""
    nodes: str = ""
    since: datetime | None = None
    """when it began, or is expected to"""

    @property
    def ended(self) -> bool:
        return self.name in ENDED

    def __str__(self) -> str:
        return f"{self.name} on {self.nodes}" if self.nodes else self.name


def check() -> None:
    """UserError where Slurm's commands are not installed."""
    for command in ("sbatch", "srun", "squeue", "scontrol", "scancel"):
        if shutil.which(command) is None:
            raise UserError(
                f"--on slurm: {command} is not here; start on a login node of the cluster"
            )


def max_array_size() -> int:
    """Jobs that one array may have. UserError if the controller does not answer."""
    told = _call("scontrol", "show", "config")
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", told, re.MULTILINE)
    return max(1, int(found[1])) if found else 1


def name_of(folder: Path) -> str:
    """What all jobs of a study are called, in Slurm; no other folder's are."""
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    return f"sambench-{folder.name}-{digest}"


def jobs(name: str) -> dict[str, State]:
    """Id, such as "12_3", -> the state of each job of this name; ended ones for some minutes."""
    told = _call(
        "squeue", "--noheader", "--array", "--states=all", f"--name={name}", "--format=%i|%T|%N|%S"
    )
    lines = (line.split("|") for line in told.splitlines())
    return {id: State(state, nodes, _time(since)) for id, state, nodes, since in lines}


def _time(told: str) -> datetime | None:
    """As squeue tells it, in the time zone of this machine; None for "N/A"."""
    try:
        return datetime.fromisoformat(told).astimezone()
    except ValueError:
        return None


def cancel(job: str) -> None:
    """Ends a job or a whole array."""
    _call("scancel", job)


def cancel_waiting(name: str) -> None:
    """Ends the jobs of this name that have not begun."""
    _call("scancel", "--state=PENDING", f"--name={name}")


def _call(*command: str) -> str:
    """What the command prints. UserError, one line."""
    try:
        told = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, errors="replace"
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"{UNREACHED}: {command[0]} waited {PATIENCE_S:.0f} s") from None
    if told.returncode:
        raise UserError(f"{UNREACHED}: {said(told.stderr)}")
    return told.stdout


def said(errors: str) -> str:
    """What a command of Slurm's says on standard error, without its own name, each line once."""
    lines = [re.sub(r"^\w+: (error|fatal): ", "", line.strip()) for line in errors.splitlines()]
    return shortened("; ".join(dict.fromkeys(filter(None, lines))), 200)
