"""A study on a real Slurm whose jobs and driver are killed: what is lost, doubled, stuck."""

import copy
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from sambench import records
from sambench.records import Record
from sambench.study import run_study
from tests.sambench.conftest import SPEC, TIMINGS
from tests.sambench.executors.slurm_cluster import cluster, missing
from tests.warm_python import served

WAYS = ("kill", "requeue", "scancel", "kill", "step")
"""How jobs end: SIGKILL to the worker, USR1, the user's scancel, SIGKILL to the job's step."""
EPOCHS = 16
COMPLETED = "Job completed successfully"  # what submitit logs of a job that came to a result


@dataclass(frozen=True)
class Counts:
    runs: int
    kills: int
    """of jobs after 1 to 3 epochs; the driver's own comes on top"""
    results: int
    lost: int
    doubled: int
    """runs that came to more than one result"""
    stuck: int
    different: int
    """records that are not those of an undisturbed study of one worker"""
    wall_s: float

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:g}" for name, value in asdict(self).items())


def drill(
    folder: Path, seeds: int = 30, ways: Sequence[str] = WAYS, limit_s: float = 3000.0
) -> Counts:
    """Runs a study of twice so many runs; SystemExit where there is no Slurm."""
    if lacking := missing():
        raise SystemExit(lacking)
    whole = _undisturbed(folder / "whole", seeds)
    (folder / "cluster").mkdir()
    with served(folder) as python, cluster(folder / "cluster"):
        killed = _Killed(folder, seeds, python)
        start = time.monotonic()
        kills = killed.run(ways, start + limit_s)
        wall_s = time.monotonic() - start
    completed = killed.completed()
    found = {_key(record): record for record in _records(folder / "killed")}
    expected = {_key(record): record for record in whole}
    return Counts(
        runs=len(expected),
        kills=kills,
        results=completed.total(),
        lost=len(expected.keys() - found.keys()),
        doubled=sum(num > 1 for num in completed.values()),
        stuck=len(expected) - len(completed),
        different=sum(found.get(key) != record for key, record in expected.items()),
        wall_s=round(wall_s, 1),
    )


def _study(seeds: int) -> dict[str, Any]:
    """Two variants that search nothing, so many paired runs of each."""
    spec: dict[str, Any] = copy.deepcopy(SPEC)
    spec["variants"] = []
    spec["variant"] = [{"name": "plain", "length": 1}, {"name": "sam", "fix": {"rho": 0.05}}]
    spec["train"]["epochs"] = EPOCHS
    spec["search"] = {"lr": 0.1}
    spec["confirm"] = {"seeds": seeds}
    return spec


def _undisturbed(root: Path, seeds: int) -> list[Record]:
    quiet = Console(file=StringIO())
    run_study(_study(seeds), root=root, on="inline", device="cpu", wandb="disabled", console=quiet)
    return _records(root)


def _records(root: Path) -> list[Record]:
    """Timings blanked."""
    path = root / "tiny" / "records.csv"
    found = records.read(path).records if path.exists() else ()
    return [replace(record, **TIMINGS) for record in found]


def _key(record: Record) -> tuple[object, ...]:
    return record.stage, record.variant, record.point, record.rerun


class _Killed:
    """The study that is disturbed, with its driver in a process of its own."""

    def __init__(self, folder: Path, seeds: int, python: str) -> None:
        self._jobs = folder / "killed" / "tiny" / "slurm"
        study, on = folder / "tiny.json", folder / "on.toml"
        study.write_text(json.dumps(_study(seeds)))
        on.write_text(f'executor = "slurm"\npython = "{python}"\n')
        script = (
            "import json, sys\n"
            "from sambench.study import run_study\n"
            "study, on, root = sys.argv[1:]\n"
            "run_study(json.load(open(study)), on=on, root=root, device='cpu', wandb='disabled',\n"
            "          checkpoint_every_s=0.0)\n"
        )
        (folder / "driver.py").write_text(script)
        self._command = [*python.split(), "-u", "-m", "driver", str(study), str(on)]
        self._command += [str(folder / "killed")]
        self._environment = {**os.environ, "PYTHONPATH": f"{folder}:{os.getcwd()}"}
        self._folder = folder
        self._seeds = seeds

    def _driver(self) -> subprocess.Popen[bytes]:
        with (self._folder / "driver.log").open("ab") as log:
            return subprocess.Popen(
                self._command, cwd=self._folder, env=self._environment, stdout=log, stderr=log
            )

    def run(self, ways: Sequence[str], end: float) -> int:
        """Kills jobs in these ways, and the driver once in between; how many jobs it did kill."""
        chance, victims = random.Random(0), list[str]()
        every = 2 * self._seeds // (len(ways) + 1)
        driver, restarts = self._driver(), 0
        try:
            while driver.poll() is None and time.monotonic() < end:
                done = self.completed().total()
                if len(victims) < len(ways) and done >= every * len(victims):
                    job = self._at_epoch(chance.choice((1, 2, 3)), victims)
                    if job is not None:
                        _end(job, ways[len(victims)])
                        victims.append(job)
                if not restarts and done >= self._seeds:
                    driver.kill()
                    driver.wait()
                    time.sleep(2.0)  # its jobs go on meanwhile
                    driver, restarts = self._driver(), 1
                time.sleep(0.1)
        finally:
            driver.kill()
            driver.wait()
        return sum(self._did_end(*victim) for victim in zip(victims, ways, strict=False))

    def _did_end(self, job: str, way: str) -> bool:
        """Whether a job was ended before it came to a result."""
        (log,) = self._jobs.glob(f"*/{job}_0_log.out")
        told = log.read_text()
        return "Requeued" in told if way == "requeue" else COMPLETED not in told

    def _at_epoch(self, epoch: int, but: Sequence[str]) -> str | None:
        """A running job that has told of so many epochs."""
        for path in self._jobs.glob("*/*_epochs.jsonl"):
            job = path.name.removesuffix("_epochs.jsonl")
            with suppress(FileNotFoundError):
                if job not in but and path.read_bytes().count(b"\n") == epoch:
                    return job
        return None

    def completed(self) -> Counter[str]:
        """Run -> how often it came to a result, by the logs of its jobs."""
        found: Counter[str] = Counter()
        for path in self._jobs.glob("*/runs.json"):
            runs, array = json.loads(path.read_text()), path.parent.name
            for number, run in enumerate(runs):
                job = array if len(runs) == 1 else f"{array}_{number}"
                with suppress(FileNotFoundError):
                    log = (path.parent / f"{job}_0_log.out").read_text()
                    if num := log.count(COMPLETED):
                        found[run] += num
        return found


def _end(job: str, way: str) -> None:
    match way:
        case "kill":
            os.kill(worker_of(job), signal.SIGKILL)
        case "requeue":
            _scancel("--signal=USR1", job)
        case "scancel":
            _scancel(job)
        case "step":
            _scancel("--signal=KILL", job)


def _scancel(*words: str) -> None:
    """It tries again for minutes where the job is just changing its state."""
    subprocess.run(["scancel", *words], timeout=300, capture_output=True)


def worker_of(job: str) -> int:
    """The pid of a job's Python."""
    array, _, task = job.partition("_")
    asked = {f"SLURM_ARRAY_JOB_ID={array}", f"SLURM_ARRAY_TASK_ID={task}"}
    wanted = asked if task else {f"SLURM_JOB_ID={array}"}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"submitit.core._submit" in words and b"python" in words[0]:
                told = (process / "environ").read_bytes().decode(errors="replace").split("\0")
                if wanted <= set(told):
                    return int(process.name)
    raise ProcessLookupError(f"no process of job {job}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as scratch:
        print(drill(Path(scratch), *map(int, sys.argv[1:])))
