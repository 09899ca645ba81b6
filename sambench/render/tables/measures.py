"""What was measured of the weights: a line for each quantity, a column for each arm."""

from collections.abc import Sequence

from sambench.analysis import NONE, Estimate, Leaderboard, Measured, numbers
from sambench.render.tables.table import Cell, Column, Table, number, of, text
from sambench.scores import Score

Line = tuple[Measured, dict[str, Measured]]
"""One of a quantity's rows, and all of them by arm."""


def table(found: Leaderboard) -> Table:
    rows: dict[str, dict[str, Measured]] = {}
    for row in found.measured:
        rows.setdefault(row.score.name, {})[row.label] = row
    labels = [row.label for row in found.rows if any(row.label in own for own in rows.values())]
    columns: Sequence[Column[Line]] = [
        Column("measure", lambda line: text(line[0].score.name), number=False),
        Column("unit", lambda line: text(_unit(line[0])), number=False),
        Column("better", lambda line: text(line[0].score.better), number=False),
        *(Column(label, lambda line, label=label: _cell(line, label)) for label in labels),
    ]
    lines = [(next(iter(own.values())), own) for own in rows.values()]
    return of(lines, columns, "What was measured of the weights")


def _unit(row: Measured) -> str:
    return "%" if row.score.unit == "share" else row.score.unit


def _cell(line: Line, label: str) -> Cell:
    row = line[1].get(label)
    if row is None:
        return number(NONE, None)
    return number(_written(row.value, row.score), row.value.value)


def _written(found: Estimate, score: Score) -> str:
    if score.unit == "share":
        return numbers.estimate(found, score)
    value = numbers.setting(found.value)
    return value if found.half is None else f"{value} ± {numbers.setting(found.half)}"
