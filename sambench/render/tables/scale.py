"""What a run costs beside its training, as a study grows."""

from collections.abc import Sequence
from statistics import median, quantiles

from sambench.analysis import numbers
from sambench.bench import Dispatching, Reporting, Scale, Starting, Storing
from sambench.render.tables.table import Cell, Column, Table, measured, of, text


def storing(scale: Scale) -> Table:
    """By storage, trials that are there, and runs in flight."""
    columns: Sequence[Column[Storing]] = (
        Column("trials in", lambda each: text(each.storage), number=False),
        Column("stored", lambda each: measured(each.stored, numbers.count)),
        Column("runs at a time", lambda each: measured(each.in_flight)),
        Column("ms a run", lambda each: _milliseconds(each.run_s)),
        Column("opened in, s", lambda each: measured(each.open_s, "{:.2f}".format)),
    )
    return of(scale.storing, columns)


def dispatching(scale: Scale) -> Table:
    """By executor and workers."""
    columns: Sequence[Column[Dispatching]] = (
        Column("executor", lambda each: text(each.executor), number=False),
        Column("workers", lambda each: measured(each.workers)),
        Column("ms a run", lambda each: _milliseconds(each.run_s)),
    )
    return of(scale.dispatching, columns)


def starting(scale: Scale) -> Table:
    """By finished runs."""
    columns: Sequence[Column[Starting]] = (
        Column("finished runs", lambda each: measured(each.finished, numbers.count)),
        Column("next run after, s", lambda each: measured(each.start_s, "{:.2f}".format)),
        Column("processor, s", lambda each: measured(each.processor_s, "{:.2f}".format)),
        Column("driver's memory, MB", lambda each: measured(each.memory_bytes / 1e6, _whole)),
    )
    return of(scale.starting, columns)


def reporting(scale: Scale) -> Table:
    """By rows of records."""
    columns: Sequence[Column[Reporting]] = (
        Column("runs", lambda each: measured(each.rows, numbers.count)),
        Column("printed, s", lambda each: measured(each.page_s, "{:.1f}".format)),
        Column("all pages, s", lambda each: measured(each.html_s, "{:.1f}".format)),
        Column("memory, MB", lambda each: measured(each.memory_bytes / 1e6, _whole)),
    )
    return of(scale.reporting, columns)


def _milliseconds(seconds: Sequence[float]) -> Cell:
    """Median over rounds [quartiles]."""
    middle = median(seconds)
    low, _, high = quantiles(seconds, n=4) if len(seconds) > 1 else (middle,) * 3
    low, high = max(low, min(seconds)), min(high, max(seconds))
    shown = f"{1e3 * middle:.2f} [{1e3 * low:.2f}, {1e3 * high:.2f}]"
    return Cell(shown, middle)


def _whole(value: float) -> str:
    return numbers.count(round(value))
