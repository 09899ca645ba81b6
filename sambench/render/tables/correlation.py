"""Kendall's tau of each sharpness with each gap: over all runs, within arms, and of each arm."""

from collections.abc import Sequence

import pandas as pd

from sambench.analysis import NONE
from sambench.analysis.tables import ALL, WITHIN, Tau, rows
from sambench.render.tables.table import Cell, Column, Table, number, of, text

Line = tuple[Tau, dict[str, Tau]]
"""One of a pair's rows, and all of them by what runs they are of."""


def table(found: pd.DataFrame, labels: Sequence[str]) -> Table:
    """labels: the arms in the order of the ranking"""
    pairs: dict[tuple[str, str], dict[str, Tau]] = {}
    for tau in rows(found, Tau):
        pairs.setdefault((tau.measure, tau.gap), {})[tau.of] = tau
    known = {of for own in pairs.values() for of in own}
    columns: Sequence[Column[Line]] = [
        Column("sharpness", lambda line: text(line[0].measure), number=False),
        Column("gap", lambda line: text(line[0].gap), number=False),
        *(
            Column(
                label,
                lambda line, label=label: _cell(line[1].get(label)),
                hint=HINTS.get(label, ""),
            )
            for label in (ALL, WITHIN, *labels)
            if label in known
        ),
    ]
    lines = [(next(iter(own.values())), own) for own in pairs.values()]
    return of(lines, columns, "Kendall's rank correlation of sharpness and gap")


HINTS = {
    ALL: "Of all arms together, with the 95% interval by leaving out points",
    WITHIN: "The mean of the arms' own",
}


def _cell(tau: Tau | None) -> Cell:
    if tau is None:
        return number(NONE, None)
    value = f"{tau.tau:+z.2f}"
    if tau.low == tau.low:
        value += f" [{tau.low:+z.2f}, {tau.high:+z.2f}]"
    return number(value, tau.tau)
