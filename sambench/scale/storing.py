"""Asking for runs, telling their epochs and their ends, as a storage grows.

What fills it beforehand is not timed, and need not survive a power cut.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from unittest import mock

import optuna

from sambench.bench import EPOCHS, Storing
from sambench.config import Arm, Study
from sambench.scale.options import Options
from sambench.scale.subject import ENDED, in_turns, row, tuners_of
from sambench.scale.timing import IN_FLIGHT, timed
from sambench.study import StudyFolder, Tuner, pool, study_name

RUNS = 8  # of a round


def measure(
    study: Study, root: Path, storage: str, url: str | None, options: Options
) -> Iterator[Storing]:
    """Of one storage as it grows."""
    places, stored = in_turns(study), 0
    with _cleared(study, root, url) if url and url in options.databases else nullcontext():
        for num in options.stored:
            options.progress(f"{storage} with {num} trials")
            with StudyFolder(root, study).opened(url) as opened:
                _fill_storage(study, opened, islice(places, max(0, num - stored)))
            stored = max(stored, num)
            start = time.perf_counter()
            with StudyFolder(root, study).opened(url) as opened:
                tuners = tuners_of(study, opened)
                open_s = time.perf_counter() - start
                for in_flight in IN_FLIGHT:
                    rounds = [
                        timed(partial(_rounds, tuners, places, in_flight)) / RUNS
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
    tuners = tuners_of(study, storage)
    with _unsafe(storage):
        for arm, point in places:
            tuner = tuners[arm.label]
            if isinstance(storage, optuna.storages.JournalStorage):
                _run(tuners, [(arm, point)])
            else:
                tuner.add(point, pool.parameters(study, arm, point), ENDED, "")


def _rounds(tuners: dict[str, Tuner], places: Iterator[tuple[Arm, int]], in_flight: int) -> None:
    for _ in range(RUNS // in_flight):
        _run(tuners, list(islice(places, in_flight)))


def _run(tuners: dict[str, Tuner], places: Sequence[tuple[Arm, int]]) -> None:
    """Runs that take turns, from their asking to their end."""
    for arm, point in places:
        tuners[arm.label].ask(point)
    for epoch in range(1, EPOCHS + 1):
        for arm, point in places:
            tuners[arm.label].report(point, row(epoch), EPOCHS)
    for arm, point in places:
        tuners[arm.label].tell(point, ENDED)


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
