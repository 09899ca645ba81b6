"""What was searched, what more trials bring, and who diverged."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from sambench.analysis import NONE, numbers
from sambench.analysis.tables import Bin, BudgetPoint, Range, Spaces, rows
from sambench.render.tables.table import Cell, Column, Table, measured, of, text


def _range(space: Range) -> str:
    if choices := space.get("choices"):
        return ", ".join(map(str, choices))
    low, high = space.get("low"), space.get("high")
    return f"{low:g} to {high:g}{' (log)' if space.get('log') else ''}"


def _ranges(spaces: Spaces) -> str:
    return "; ".join(f"{name} {_range(space)}" for name, space in spaces.items())


SPACES: Sequence[Column[tuple[str, Spaces]]] = (
    Column("variant", lambda item: text(item[0]), number=False),
    Column("searched", lambda item: text(_ranges(item[1])), number=False),
)


def spaces(found: Mapping[str, Spaces]) -> Table:
    """By label."""
    return of(found.items(), SPACES, "Search spaces")


def budget(points: Sequence[BudgetPoint]) -> Table:
    """Accuracy to expect after numbers of trials that double, and after all."""
    sizes = sorted({point.trials for point in points})
    shown = [n for n in sizes if n & (n - 1) == 0 or n == sizes[-1]]
    expected: dict[str, dict[int, str]] = {}
    for point in points:
        expected.setdefault(point.variant, {})[point.trials] = numbers.percent(point.expected)

    def after(n: int) -> Column[str]:
        return Column(str(n), lambda variant: Cell(expected[variant].get(n, NONE)))

    return of(expected, [Column("trials", text, number=False), *map(after, shown)])


def diverged(frame: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """By variant, sorted: its search runs, and how many of them diverged."""
    runs: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for found in rows(frame, Bin):
        runs[found.variant] += found.runs
        lost[found.variant] += found.diverged
    return {label: (runs[label], lost[label]) for label in sorted(runs)}


DIVERGENCE: Sequence[Column[tuple[str, tuple[int, int]]]] = (
    Column("variant", lambda item: text(item[0]), number=False),
    Column("search runs", lambda item: measured(item[1][0], "{:,}".format)),
    Column("diverged", lambda item: measured(item[1][1], "{:,}".format)),
)


def divergence(frame: pd.DataFrame) -> Table:
    """Empty where nobody diverged."""
    found = diverged(frame)
    hit = any(lost for _, lost in found.values())
    return of(found.items() if hit else (), DIVERGENCE, "Divergence in the search")
