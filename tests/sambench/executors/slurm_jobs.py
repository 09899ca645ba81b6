"""Jobs for tests on Slurm, which its nodes import."""

import os
import time
from collections.abc import Callable

from sambench.executors.testing.jobs import Job

Report = Callable[[dict[str, float]], bool]


def until_let(job: Job, report: Report) -> int:
    """Counts epochs, and goes on with the count, until a file "go" is in the cache."""
    job.folder.mkdir(parents=True, exist_ok=True)
    path = job.folder / "progress"
    done = int(path.read_text()) if path.exists() else 0
    while not (job.cache / "go").exists():
        done += 1
        report({"epoch": done, "pid": os.getpid()})
        half = path.with_name(".progress")
        half.write_text(str(done))
        half.replace(path)
        time.sleep(0.1)
    return done


def interval(job: Job, report: Report) -> tuple[float, float]:
    """When it began and ended."""
    began = time.time()
    time.sleep(0.5)
    return began, time.time()


def sleeps(job: Job, report: Report) -> None:
    """Without an epoch."""
    (job.folder).mkdir(parents=True, exist_ok=True)
    (job.folder / "began").touch()
    time.sleep(600)
