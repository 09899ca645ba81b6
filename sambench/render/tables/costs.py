"""What a run of each variant costs."""

from collections.abc import Sequence

import pandas as pd

from sambench.analysis import NONE, numbers
from sambench.analysis.tables import RunCost, rows
from sambench.render.tables.table import Cell, Column, Table, measured, of, text

MIB = 2**20


def _starred(value: float, digits: int, best: bool) -> Cell:
    """A star marks the Pareto front."""
    return measured(value, lambda cost: f"{cost:,.{digits}f}{' *' * best}")


def _fronts(cost: RunCost) -> Cell:
    on = {
        "gradients": cost.pareto_gradients,
        "time": cost.pareto_wall,
        "memory": cost.pareto_memory,
    }
    return text(", ".join(name for name, best in on.items() if best) or NONE)


VARIANT = Column[RunCost]("variant", lambda cost: text(cost.variant), number=False)
ACCURACY = Column[RunCost](
    "test accuracy, %", lambda cost: measured(cost.accuracy, numbers.percent)
)
STARRED: Sequence[Column[RunCost]] = (
    VARIANT,
    ACCURACY,
    Column("gradients", lambda c: _starred(c.gradient_evaluations, 0, c.pareto_gradients)),
    Column("a run, s", lambda c: _starred(c.wall_s, 1, c.pareto_wall)),
    Column("memory, MiB", lambda c: _starred(c.peak_memory / MIB, 0, c.pareto_memory)),
)
SORTABLE: Sequence[Column[RunCost]] = (
    VARIANT,
    ACCURACY,
    Column("gradient evaluations", lambda cost: measured(cost.gradient_evaluations, numbers.count)),
    Column("seconds a run", lambda cost: measured(cost.wall_s, "{:,.1f}".format)),
    Column(
        "memory, MiB", lambda cost: measured(cost.peak_memory, lambda size: f"{size / MIB:,.0f}")
    ),
    Column("Pareto front", _fronts, number=False),
)


def starred(frame: pd.DataFrame) -> Table:
    """The cheapest first, without costs that were not measured."""
    found = rows(frame.sort_values(["gradient_evaluations", "variant"]), RunCost)
    return of(found, STARRED).without_empty([column.name for column in STARRED[2:]])


def sortable(frame: pd.DataFrame) -> Table:
    after = "On the Pareto front: no other variant is as accurate, by its mean, for less."
    return of(rows(frame, RunCost), SORTABLE, "What a run costs", after=after)
