"""Made-up studies with runs changed, left out or repeated."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from sambench.analysis import Leaderboard, Row
from sambench.records import Record, Records

LOST = {"test": {"accuracy": None, "loss": None}, "items": {"accuracy": ""}}
DIVERGED = {"outcome": "diverged", "reason": "loss is nan", **LOST}
FAILED = {"outcome": "failed", "reason": "out of memory", **LOST}


def row(found: Leaderboard, label: str) -> Row:
    return next(row for row in found.rows if row.label == label)


def of(study: Records, variant: str, stage: str) -> list[Record]:
    return [r for r in study.records if (r.variant, r.stage) == (variant, stage)]


def with_runs(study: Records, runs: Iterable[Record], /, **header: Any) -> Records:
    return Records({**study.header, **header}, tuple(runs))


def without(study: Records, gone: Iterable[Record]) -> Records:
    left = {(r.variant, r.stage, r.point, r.rerun) for r in gone}
    kept = (r for r in study.records if (r.variant, r.stage, r.point, r.rerun) not in left)
    return with_runs(study, kept)


def changed(study: Records, hit: Callable[[Record], bool], **changes: Any) -> Records:
    return with_runs(study, (replace(r, **changes) if hit(r) else r for r in study.records))


def asking(study: Records, **search: Any) -> Records:
    """The same runs, by a study file with other words in [search]."""
    spec = {**study.header["spec"], "search": {**study.header["spec"]["search"], **search}}
    return with_runs(study, study.records, spec=spec)
