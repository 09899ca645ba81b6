"""How carefully the radius must be tuned."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from sambench.analysis import NONE, numbers
from sambench.analysis.tables import Radius, rows
from sambench.render.tables.table import ARM, Cell, Column, Table, measured, number, of, text
from sambench.scores import Score


def _interval(row: Radius) -> Cell:
    known = row.low == row.low
    return number(f"{row.low:.3g} to {row.high:.3g}" if known else NONE, row.low)


def _columns(score: Score) -> Sequence[Column[Radius]]:
    return (
        Column("arm", lambda row: text(row.variant), number=False, hint=ARM),
        Column(
            "radius", lambda row: text(row.radius), number=False, hint="What the variant calls it"
        ),
        Column(
            "used", lambda row: measured(row.used, numbers.setting), hint="By the setting to use"
        ),
        Column(
            "as good, to one run", _interval, hint="A single run cannot tell these from the used"
        ),
        Column(
            "decades",
            lambda row: measured(row.decades, "{:.2f}".format),
            hint="How wide that is: 1 is a factor of 10",
        ),
        Column(
            "paper's",
            lambda row: measured(row.default, numbers.setting),
            hint="Its paper's default",
        ),
        Column(
            f"lost by it, {score.gaps}",
            lambda row: measured(row.regret_of_default, partial(numbers.score, of=score)),
            hint=LOST[score.direction],
        ),
    )


LOST = {
    "maximize": "Expected validation score of the used radius minus that of the paper's",
    "minimize": "Expected validation score of the paper's radius minus that of the used",
}


def table(frame: pd.DataFrame, score: Score) -> Table:
    return of(rows(frame, Radius), _columns(score), "Radius")
