"""Measures what a study costs beside its training: storages, executors, starting, memory.

Runs do nothing: they report epochs and end. What fills a storage or a folder beforehand is not
timed, and need not survive a power cut.
"""

import importlib.metadata
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from io import StringIO
from itertools import count, islice, takewhile
from math import ceil
from pathlib import Path
from typing import Any
from unittest import mock

import optuna
from rich.console import Console

import variants
from sambench import config, executors
from sambench.bench import EPOCHS, Dispatching, Scale, Starting, Storing
from sambench.config import Arm, Study
from sambench.executors import Executor, J, OnEpoch, OnPlace, R, Work
from sambench.scale import reports
from sambench.study import Protocol, StudyFolder, Tuner, pool, study_name
from sambench.training import Outcome, device, provenance, write_outcome

STORED = (10, 1_000, 10_000)
ROWS = (100_000, 1_000_000)
IN_FLIGHT = (1, 8)
ROUNDS = 5
RUNS = 8  # of a round
JOBS = 40  # of a round, for an executor
PAUSE_S = 0.2  # of a run, while other workers start
MORE = 1_000  # points, beyond those that are stored


@dataclass(frozen=True)
class Options:
    """What to measure."""

    databases: tuple[str, ...] = ()
    """URLs, beside the journal and sqlite"""
    stored: tuple[int, ...] = STORED
    """trials in a storage, and finished runs in a folder"""
    rows: tuple[int, ...] = ROWS
    """runs of a leaderboard"""
    rounds: int = ROUNDS
    progress: Callable[[str], object] = lambda stage: None


def measure(options: Options) -> Iterator[Scale]:
    """After each part, all that was measured until then; whoever stops keeps that.

    UserError for a database that cannot be used.
    """
    study = _study(max(options.stored) + MORE)
    host = {**provenance.hardware(), "load before": os.getloadavg()[0]}
    found = Scale(
        arms=len(study.arms()),
        storing=(),
        dispatching=(),
        starting=(),
        reporting=(),
        hardware=device.describe("cpu"),
        command=_command(options),
        commit=provenance.commit(),
        date=provenance.date(None),
        versions={name: importlib.metadata.version(name) for name in ("optuna", "pandas")},
        host=host,
    )
    with tempfile.TemporaryDirectory(prefix="sambench-") as name, _quiet():
        for part, each in _parts(study, Path(name), options):
            found = replace(found, **{part: (*getattr(found, part), each)})
            yield replace(found, host={**host, "load after": os.getloadavg()[0]})


def _parts(study: Study, root: Path, options: Options) -> Iterator[tuple[str, object]]:
    """Each line of a table, with its table's name; what is over soonest comes first."""
    for name, workers in _executors():
        yield "dispatching", _dispatching(root, name, workers, options)
    for num in options.stored:
        options.progress(f"start with {num} finished runs")
        yield "starting", _starting(study, root / f"start-{num}", num)
    for rows in options.rows:
        options.progress(f"leaderboard of {rows} runs")
        yield "reporting", reports.measure(root / f"reports-{rows}", rows)
    databases = {"sqlite": f"sqlite:///{root / 'trials.db'}"}
    databases |= {url.partition(":")[0].partition("+")[0]: url for url in options.databases}
    for storage, url in {"journal": None, **databases}.items():
        for each in _storing(study, root / storage, storage, url, options):
            yield "storing", each


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna tells of every study that it makes."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _command(options: Options) -> str:
    """The command line that repeats it, but for passwords."""
    words = ["python", "-m", "sambench", "bench", "--scale"]
    for option, numbers in (("--trials", options.stored), ("--rows", options.rows)):
        words += [option, ",".join(map(str, numbers))]
    if options.databases:
        from sambench.study import Address

        words += [word for url in options.databases for word in ("--storage", str(Address(url)))]
    return shlex.join(words)


def _study(points: int) -> Study:
    """Of every variant, with about so many points in all."""
    some = _of_searches(10)
    a_search = sum(map(some.points, some.arms())) / 10
    return _of_searches(ceil(points / a_search))


def _of_searches(searches: int) -> Study:
    return config.parse(
        {
            "name": "scale",
            "variants": list(variants.names()),
            "task": {"dataset": "synthetic", "image_size": 8, "model": "test_resnet"},
            "train": {"epochs": EPOCHS, "batch_size": 32},
            "search": {
                "budget": 8.0,
                "searches": searches,
                "space": {"lr": {"low": 0.01, "high": 0.5, "log": True}},
            },
        }
    )


def _places(study: Study) -> Iterator[tuple[Arm, int]]:
    """Points of all arms in turns, as a study runs them."""
    arms = list(study.arms())
    for point in count():
        left = [arm for arm in arms if point < study.points(arm)]
        if not left:
            return
        yield from ((arm, point) for arm in left)


# --- storages


def _storing(
    study: Study, root: Path, storage: str, url: str | None, options: Options
) -> Iterator[Storing]:
    """Of one storage as it grows."""
    places, stored = _places(study), 0
    with _cleared(study, root, url) if url and url in options.databases else nullcontext():
        for num in options.stored:
            options.progress(f"{storage} with {num} trials")
            with StudyFolder(root, study).opened(url) as opened:
                _fill_storage(study, opened, islice(places, max(0, num - stored)))
            stored = max(stored, num)
            start = time.perf_counter()
            with StudyFolder(root, study).opened(url) as opened:
                tuners = _tuners(study, opened)
                open_s = time.perf_counter() - start
                for in_flight in IN_FLIGHT:
                    rounds = [
                        _timed(partial(_rounds, tuners, places, in_flight)) / RUNS
                        for _ in range(options.rounds)
                    ]
                    stored += RUNS * options.rounds
                    yield Storing(storage, num, in_flight, tuple(rounds), round(open_s, 6))


@contextmanager
def _cleared(study: Study, root: Path, url: str) -> Iterator[None]:
    """A database of the user's holds nothing of this before, and nothing afterwards."""
    _clear(study, root, url)
    try:
        yield
    finally:
        _clear(study, root, url)


def _clear(study: Study, root: Path, url: str) -> None:
    with StudyFolder(root, study).opened(url) as storage:
        for arm in study.arms():
            with suppress(KeyError):
                storage.delete_study(storage.get_study_id_from_name(study_name(study, arm)))


def _fill_storage(
    study: Study, storage: optuna.storages.BaseStorage, places: Iterable[tuple[Arm, int]]
) -> None:
    """A database with ended trials; a journal with all that was said of them, which it replays."""
    tuners = _tuners(study, storage)
    with _unsafe(storage):
        for arm, point in places:
            tuner = tuners[arm.label]
            if isinstance(storage, optuna.storages.JournalStorage):
                _run(tuners, [(arm, point)])
            else:
                tuner.add(point, pool.parameters(study, arm, point), ENDED, "")


def _tuners(study: Study, storage: optuna.storages.BaseStorage) -> dict[str, Tuner]:
    return {arm.label: Tuner(study, arm, storage) for arm in study.arms()}


def _rounds(tuners: dict[str, Tuner], places: Iterator[tuple[Arm, int]], in_flight: int) -> None:
    for _ in range(RUNS // in_flight):
        _run(tuners, list(islice(places, in_flight)))


def _run(tuners: dict[str, Tuner], places: Sequence[tuple[Arm, int]]) -> None:
    """Runs that take turns, from their asking to their end."""
    for arm, point in places:
        tuners[arm.label].ask(point)
    for epoch in range(1, EPOCHS + 1):
        for arm, point in places:
            tuners[arm.label].report(point, _row(epoch), EPOCHS)
    for arm, point in places:
        tuners[arm.label].tell(point, ENDED)


def _row(epoch: int) -> dict[str, float]:
    return {"epoch": epoch, "val_accuracy": 0.05 * epoch, "val_loss": 1.0, "train_loss": 1.0}


ENDED = Outcome(
    "complete",
    val_accuracy=0.5,
    val_loss=1.0,
    epochs_done=EPOCHS,
    history=tuple(_row(epoch) for epoch in range(1, EPOCHS + 1)),
)


@contextmanager
def _unsafe(storage: optuna.storages.BaseStorage) -> Iterator[None]:
    """Nothing waits for a disk."""
    backend = getattr(storage, "_backend", None)
    engine = getattr(backend, "engine", None)
    with mock.patch("os.fsync"):
        if engine is None or engine.dialect.name != "sqlite":
            yield
            return
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA synchronous = OFF")
        yield
        engine.dispose()  # the next connection waits again


# --- executors


def _executors() -> Iterator[tuple[str, int]]:
    """Name and workers of those that this machine has."""
    yield "inline", 1
    for name in ("local", "ray") if find_spec("ray") else ("local",):
        yield from ((name, num) for num in IN_FLIGHT)


def _dispatching(root: Path, name: str, workers: int, options: Options) -> Dispatching:
    options.progress(f"{name} with {workers} workers")
    executor = executors.get(name)(workers=workers)
    work = Work(execute=report_epochs, prepare=begin, lost=give_up, folder=root, answers=False)
    with executor.opened(work) as opened:
        wanted, pause_s = True, PAUSE_S
        each = (Idle(i, root / str(i), root, pause_s) for i in count())
        jobs = takewhile(lambda job: wanted, each)
        results = opened.run(jobs, lambda job, row: False)
        started = set()
        while len(started) < workers:  # what starts a worker is not a run's
            _, worker = next(results)
            started.add(worker)
        pause_s = 0.0
        deque(islice(results, 2 * workers), maxlen=0)  # those that were given out before
        rounds = [
            _timed(lambda: deque(islice(results, JOBS), maxlen=0)) / JOBS
            for _ in range(options.rounds)
        ]
        wanted = False
        deque(results, maxlen=0)
    return Dispatching(name, workers, tuple(rounds))


@dataclass(frozen=True)
class Idle:
    """A job that trains nothing."""

    number: int
    folder: Path
    cache: Path
    pause_s: float

    def moved(self, folder: Path, cache: Path) -> "Idle":
        return replace(self, folder=folder, cache=cache)


def report_epochs(job: Idle, report: Callable[[dict[str, float]], bool]) -> int:
    """All that such a run does; its worker's number."""
    time.sleep(job.pause_s)
    for epoch in range(1, EPOCHS + 1):
        report(_row(epoch))
    return os.getpid()


def begin(place: int, threads: int) -> None:
    """A worker needs nothing."""


def give_up(job: Idle, reason: str) -> int:
    raise RuntimeError(f"job {job} was lost: {reason}")


# --- starting


def _starting(study: Study, root: Path, num: int) -> Starting:
    """In a process of its own, as the driver is."""
    fill(study, root, num)
    program = f"from sambench.scale import overhead; overhead.start({num}, {str(root)!r})"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    words = done.stdout.split()
    if done.returncode or len(words) < 3:
        raise RuntimeError(done.stderr)
    seconds, processor_s, memory = words[-3:]
    return Starting(num, float(seconds), float(processor_s), int(memory))


def fill(study: Study, root: Path, num: int) -> None:
    """A folder with so many finished runs, and their trials in its journal."""
    folder = StudyFolder(root, study)
    protocol = Protocol(study, folder.arms, "cpu")
    with mock.patch("os.fsync"), folder.opened() as storage:
        tuners = _tuners(study, storage)
        for arm, point in islice(_places(study), num):
            tuner = tuners[arm.label]
            run = protocol.pool_run(arm, point, tuner.ask(point))
            for row in ENDED.history:
                tuner.report(point, row, EPOCHS)
            tuner.tell(point, ENDED)
            write_outcome(run, folder.run(run), ENDED)


def start(num: int, root: str) -> None:
    """Prints seconds until the next run of the filled folder is given out, by the clock and of the
    processor, and peak memory."""
    from sambench.study import Settings, run_study

    settings = Settings(
        root=Path(root),
        device="cpu",
        on=_First(),
        wandb="disabled",
        console=Console(file=StringIO()),
    )
    began, spent = time.perf_counter(), time.process_time()
    try:
        run_study(_study(num + MORE), settings=settings)
    except _GivenError:
        seconds = time.perf_counter() - began, time.process_time() - spent
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(*(round(each, 6) for each in seconds), peak)


class _GivenError(Exception):
    """A run was given out."""


class _First(Executor):
    """Goes no further than to its first job."""

    def opened(self, work: Work[J, R]) -> AbstractContextManager["_First"]:
        return nullcontext(self)

    def run(
        self, jobs: Iterable[J], on_epoch: OnEpoch[J], on_place: OnPlace[J]
    ) -> Iterator[tuple[J, Any]]:
        for _ in jobs:
            raise _GivenError
        yield from ()


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return round(time.perf_counter() - began, 6)
