"""What a run of each arm costs."""

from collections.abc import Sequence

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import RunCost, rows
from sambench.render.tables.table import ARM, Cell, Column, Table, measured, of, text
from sambench.scores import Score

MIB = 2**20


def _starred(value: float, digits: int, best: bool) -> Cell:
    """A star marks the Pareto front."""
    return measured(value, lambda cost: f"{cost:,.{digits}f}{' *' * best}")


COLUMNS: Sequence[Column[RunCost]] = (
    Column("arm", lambda cost: text(cost.variant), number=False, hint=ARM),
    Column(
        "gradient evaluations",
        lambda c: _starred(c.gradient_evaluations, 0, c.pareto_gradients),
        hint="Counted in a run, each of a whole batch",
    ),
    Column(
        "seconds", lambda c: _starred(c.wall_s, 1, c.pareto_wall), hint="Of a run, on one machine"
    ),
    Column(
        "step time, plain = 1",
        lambda cost: measured(cost.step_time, numbers.ratio),
        hint="Time of a training step over plain's, on the same machine",
    ),
    Column(
        "memory, MiB",
        lambda c: _starred(c.peak_memory / MIB, 0, c.pareto_memory),
        hint="Allocated on the GPU at most",
    ),
)


def table(frame: pd.DataFrame, score: Score) -> Table:
    """The cheapest first, without costs that were not measured."""
    found = rows(frame.sort_values(["gradient_evaluations", "variant"]), RunCost)
    well = "high" if score.sign > 0 else "low"
    after = f"Of the median complete run. *: no other arm scores as {well} for less."
    table = of(found, COLUMNS, "Cost", after=after)
    return table.without_empty([column.name for column in COLUMNS[1:]])
