"""What measures cost beside the run whose weights they measure."""

from collections.abc import Callable, Sequence
from statistics import fmean

from sambench.analysis import numbers
from sambench.bench import ConfirmRun, Price, Prices
from sambench.render.tables.table import Cell, Column, Table, measured, of, text

ALL = "all of them"


def of_runs(found: Prices) -> Table:
    """The runs that are measured."""
    columns: Sequence[Column[ConfirmRun]] = (
        Column("a run of", lambda run: text(run.variant), number=False),
        Column("s", lambda run: measured(run.seconds, _seconds)),
        Column("gradient evaluations", lambda run: measured(run.gradient_evaluations, _whole)),
    )
    return of(found.runs, columns)


def of_measures(found: Prices) -> Table:
    """By measure, the dearest first, below all together."""
    prices = sorted(found.prices, key=lambda own: -fmean(own.seconds))
    whole = Price(
        ALL,
        tuple(map(sum, zip(*(own.seconds for own in prices), strict=True))),
        sum(own.gradient_evaluations for own in prices),
    )
    shares = [
        Column(f"% of a run of {run.variant}", _share(i, run.seconds))
        for i, run in enumerate(found.runs)
    ]
    columns: Sequence[Column[Price]] = (
        Column("measure", lambda own: _name(own), number=False),
        Column("s", lambda own: measured(fmean(own.seconds), _seconds)),
        *shares,
        Column("gradient evaluations", lambda own: measured(own.gradient_evaluations, _whole)),
    )
    return of([*prices, whole], columns)


def _name(own: Price) -> Cell:
    return text(f"{own.measure} (failed: {own.failed})" if own.failed else own.measure)


def _share(which: int, run_s: float) -> Callable[[Price], Cell]:
    return lambda own: measured(100 * own.seconds[which] / run_s, "{:.0f}".format)


def _seconds(value: float) -> str:
    return f"{value:.2f}"


def _whole(value: float) -> str:
    return numbers.count(round(value))
