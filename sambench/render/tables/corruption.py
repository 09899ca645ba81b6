"""Errors under each corruption beside those of plain: a line for each, a column for each arm."""

from collections.abc import Sequence

import pandas as pd

from sambench.analysis import NONE
from sambench.analysis.tables import Corruption, rows
from sambench.render.tables.table import Cell, Column, Table, number, of, text

Line = tuple[Corruption, dict[str, Corruption]]
"""One of a corruption's rows, and all of them by arm."""


def table(found: pd.DataFrame) -> Table:
    lines: dict[tuple[str, str], dict[str, Corruption]] = {}
    every = rows(found, Corruption)
    for row in every:
        lines.setdefault((row.measure, row.corruption), {})[row.variant] = row
    plain = every[0].plain if every else ""
    columns: Sequence[Column[Line]] = [
        Column("measure", lambda line: text(line[0].measure), number=False),
        Column("corruption", lambda line: text(line[0].corruption), number=False),
        Column(f"error of {plain}, %", lambda line: _error(line[1].get(plain))),
        *(
            Column(label, lambda line, label=label: _ratio(line[1].get(label)))
            for label in dict.fromkeys(row.variant for row in every)
            if label != plain
        ),
    ]
    told = [(next(iter(own.values())), own) for own in lines.values()] if plain else []
    return of(told, columns, f"Errors by corruption, those of {plain} being 1")


def _error(row: Corruption | None) -> Cell:
    if row is None:
        return number(NONE, None)
    return number(f"{100 * (1 - row.accuracy):.2f}", 1 - row.accuracy)


def _ratio(row: Corruption | None) -> Cell:
    if row is None or row.error_ratio != row.error_ratio:
        return number(NONE, None)
    return number(f"{row.error_ratio:.3f}", row.error_ratio)
