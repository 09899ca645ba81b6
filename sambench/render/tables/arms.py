"""Who competed: schedules, what was searched where, what was fixed. All of it is in the claims."""

from collections.abc import Mapping, Sequence
from typing import Any

from sambench.analysis import NONE, Leaderboard, Row, numbers, tells_epochs
from sambench.render.tables import ranking
from sambench.render.tables.table import Cell, Column, Table, measured, number, of, text


def searched(space: Mapping[str, Any]) -> str:
    """A range or choices.

    >>> searched({"low": 0.001, "high": 1.0, "log": True, "choices": None})
    '0.001 to 1 (log)'
    """
    if choices := space.get("choices"):
        return ", ".join(map(str, choices))
    return f"{space['low']:g} to {space['high']:g}{' (log)' if space.get('log') else ''}"


def _ranges(arm: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} {searched(space)}" for name, space in arm["space"].items()) or NONE


def _fixed(arm: Mapping[str, Any]) -> str:
    lr = {} if arm["lr"] is None else {"lr": arm["lr"]}
    return ", ".join(f"{name} {value}" for name, value in {**lr, **arm["fix"]}.items()) or NONE


Item = tuple[Mapping[str, Any], Row]
"""A competitor as the header has it, and what became of it."""


def _points(row: Row) -> Cell:
    """Of how many, where some are missing."""
    of = "" if row.points == row.planned else f" of {row.planned:,}"
    return number(f"{row.points:,}{of}", row.points)


COLUMNS: Sequence[Column[Item]] = (
    Column("arm", lambda item: text(item[1].label), number=False, hint="Its name on this page"),
    Column("variant", lambda item: text(item[0]["key"]), number=False, hint="The optimizer"),
    Column(
        "schedule",
        lambda item: measured(item[0]["length"], "{:g}".format),
        hint="Its length, 1 for the study's epochs",
    ),
    Column("epochs", lambda item: measured(item[0]["epochs"]), hint="Of every run"),
    Column(
        "searched",
        lambda item: text(_ranges(item[0])),
        number=False,
        hint="The ranges that random points were drawn from",
    ),
    Column(
        "fixed",
        lambda item: text(_fixed(item[0])),
        number=False,
        hint="Hyperparameters that the study file sets",
    ),
)
POOL: Sequence[Column[Item]] = (
    Column("trials k", lambda item: ranking.trials(item[1]), hint=ranking.SEARCHED.hint),
    Column("points", lambda item: _points(item[1]), hint="Random settings that its pool ran"),
)
SEEDS: Sequence[Column[Item]] = (
    Column("seeds", lambda item: measured(item[1].reruns, numbers.count), hint="Runs that ended"),
)


def table(leaderboard: Leaderboard) -> Table:
    """In the order of the study file."""
    rows = {row.label: row for row in leaderboard.rows}
    items = [(arm, rows[label]) for label, arm in leaderboard.header["arms"].items()]
    ran = {"fixed": SEEDS, "adaptive": POOL[1:]}.get(leaderboard.kind, POOL)
    found = of(items, [*COLUMNS, *ran], "Who competed")
    found = found.without_empty(["searched", "fixed"])
    return found if tells_epochs(leaderboard.header) else found.without(["schedule", "epochs"])
