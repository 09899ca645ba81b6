"""What share of each class's items is recognised: a line for each class, a column for each arm."""

from collections.abc import Sequence

import pandas as pd

from sambench.analysis import NONE, numbers
from sambench.analysis.tables import Confused, rows
from sambench.render.tables.table import Cell, Column, Table, number, of

Line = tuple[int, dict[str, Confused]]
"""A class, and the arms' recall of it."""


def table(found: pd.DataFrame) -> Table:
    lines: dict[int, dict[str, Confused]] = {}
    for row in rows(found, Confused):
        if row.true_class == row.predicted_class:
            lines.setdefault(row.true_class, {})[row.variant] = row
    labels = dict.fromkeys(label for own in lines.values() for label in own)
    columns: Sequence[Column[Line]] = [
        Column("class", lambda line: number(str(line[0]), line[0])),
        *(Column(label, lambda line, label=label: _cell(line, label)) for label in labels),
    ]
    return of(list(lines.items()), columns, "Recall of each class, %")


def _cell(line: Line, label: str) -> Cell:
    row = line[1].get(label)
    if row is None or row.share != row.share:
        return number(NONE, None)
    return number(numbers.percent(row.share), row.share)
