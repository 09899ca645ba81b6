"""Who competed: schedules, what was searched where, what was fixed. All of it is in the claims."""

from collections.abc import Mapping, Sequence
from typing import Any

from sambench.analysis import NONE
from sambench.render.tables.table import Column, Table, measured, of, text

Arms = Mapping[str, Mapping[str, Any]]
"""Of a header: label -> competitor."""


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


Item = tuple[str, Mapping[str, Any]]
COLUMNS: Sequence[Column[Item]] = (
    Column("arm", lambda item: text(item[0]), number=False),
    Column("variant", lambda item: text(item[1]["key"]), number=False),
    Column("schedule", lambda item: measured(item[1]["length"], "{:g}".format)),
    Column("epochs", lambda item: measured(item[1]["epochs"])),
    Column("searched", lambda item: text(_ranges(item[1])), number=False),
    Column("fixed", lambda item: text(_fixed(item[1])), number=False),
)


def table(arms: Arms) -> Table:
    """In the order of the study file."""
    found = of(arms.items(), COLUMNS, "Who competed")
    return found.without_empty(["searched", "fixed"])
