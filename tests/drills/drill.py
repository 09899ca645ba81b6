"""One study with deadly workers beside an undisturbed one: what was lost, doubled, or stuck."""

import copy
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console

from sambench import records
from sambench.executors import Executor, Inline
from sambench.records import Record
from sambench.study import execution, run_study
from sambench.study.ledger import Ledger
from sambench.training import Outcome, Run
from tests.drills.deadly import Deadly
from tests.sambench.conftest import SPEC, TIMINGS

EPOCHS = 5


@dataclass(frozen=True)
class Counts:
    runs: int
    """of the undisturbed study"""
    kills: int
    results: int
    lost: int
    """without a result, or failed"""
    doubled: int
    """with more than one result"""
    different: int
    """records that are not those of the undisturbed study"""
    wall_s: float

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:g}" for name, value in asdict(self).items())


def drill(
    executor: Executor,
    folder: Path,
    *,
    searches: int = 1,
    deadly: Callable[[Path], Deadly] = Deadly,
    meanwhile: Callable[[], None] = lambda: None,
) -> Counts:
    """Trains the tiny study twice, undisturbed in this process and on the executor.

    searches: 17 runs for each
    meanwhile: called after every result
    """
    (marks := folder / "deaths").mkdir(parents=True)
    whole = study(Inline(), folder / "whole", searches)
    finished = Counter()
    deaths = mock.patch.object(execution, "execute", deadly(marks))
    with deaths, _counted(finished, meanwhile):
        start = time.monotonic()
        found = study(executor, folder / "killed", searches)
        wall_s = time.monotonic() - start
    expected = {key(record): record for record in whole}
    complete = {key(record): record for record in found if record.outcome != "failed"}
    return Counts(
        runs=len(expected),
        kills=len(list(marks.iterdir())),
        results=finished.total(),
        lost=len(expected.keys() - complete.keys()),
        doubled=sum(num > 1 for num in finished.values()) + len(found) - len(set(map(key, found))),
        different=sum(complete.get(name) != record for name, record in expected.items()),
        wall_s=round(wall_s, 1),
    )


def study(executor: Executor, root: Path, searches: int = 1) -> list[Record]:
    """The tiny study's records, timings blanked; it checkpoints after every epoch."""
    spec: dict[str, Any] = copy.deepcopy(SPEC)
    spec["train"]["epochs"] = EPOCHS
    spec["search"]["searches"] = searches
    run_study(
        spec,
        root=root,
        on=executor,
        device="cpu",
        wandb="disabled",
        checkpoint_every_s=0.0,
        console=Console(file=StringIO()),
    )
    stored = records.read(root / "tiny" / "records.csv").records
    return [replace(record, **TIMINGS) for record in stored]


def key(record: Record) -> tuple[object, ...]:
    return record.stage, record.variant, record.point, record.rerun


@contextmanager
def _counted(finished: Counter, meanwhile: Callable[[], None]) -> Any:
    """Counts how often every run ends."""
    keep = Ledger._keep

    def kept(self: Ledger, run: Run, outcome: Outcome) -> None:
        finished[run.id] += 1
        keep(self, run, outcome)
        meanwhile()

    with mock.patch.object(Ledger, "_keep", kept):
        yield
