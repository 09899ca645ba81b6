"""Small multiples: a panel per variant, with tick labels at the border only.

Drawn as lines and texts on the sheet: matplotlib's axes are slow where there are forty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from sambench.render.figures.plot import WIDTH, Line, Plot, shorten
from sambench.render.figures.scales import Scale, plain
from sambench.render.figures.style import FAINT, INK, SIZE, SMALL

LEFT, BOTTOM, RIGHT, HEAD = 0.5, 0.5, 0.08, 0.24
GAP, ROOM = 0.16, 0.3  # inches between columns, and what tick labels of a panel's own take
FEW = 6  # panels that stand in two columns, not three
TICK, PAD = 2.5 / 72, 4.5 / 72  # inches that a tick is long, that its label is away
MOST_TICKS = 4


@dataclass(frozen=True)
class Panel:
    """A rectangle of the sheet, in inches, and the data's scales along it."""

    left: float
    bottom: float
    width: float
    height: float
    x: Scale
    y: Scale

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def top(self) -> float:
        return self.bottom + self.height

    def place(self, data: np.ndarray) -> np.ndarray:
        """From data (n, 2) to points of the sheet (n, 2)."""
        across = self.left + self.width * self.x.place(data[:, 0])
        up = self.bottom + self.height * self.y.place(data[:, 1])
        return 72 * np.column_stack([across, up])

    def across(self, x: float) -> float:
        """Where a value stands, in inches."""
        return self.left + self.width * float(self.x.place(x))

    def up(self, y: float) -> float:
        return self.bottom + self.height * float(self.y.place(y))

    def grid(self) -> list[Line]:
        """A line through the panel for each tick."""
        rows = [((self.left, y), (self.right, y)) for y in map(self.up, self.y.ticks(MOST_TICKS))]
        ticks = map(self.across, self.x.ticks(MOST_TICKS))
        return [*rows, *(((x, self.bottom), (x, self.top)) for x in ticks)]

    def frame(self) -> list[Line]:
        """Left and lower edge with their ticks."""
        left, bottom = self.left, self.bottom
        edges = [((left, bottom), (left, self.top)), ((left, bottom), (self.right, bottom))]
        rows = map(self.up, self.y.ticks(MOST_TICKS))
        columns = map(self.across, self.x.ticks(MOST_TICKS))
        edges += [((left - TICK, y), (left, y)) for y in rows]
        return [*edges, *(((x, bottom - TICK), (x, bottom)) for x in columns)]


def body(num: int, own: str) -> float:
    """Height that so many panels need; each has tick labels of its `own` "x" or "y" axis."""
    columns, height = _shape(num)
    return BOTTOM + -(-num // columns) * (height + HEAD + _low(own)) - _low(own)


def panels(
    plot: Plot,
    labels: Sequence[str],
    scales: Sequence[tuple[Scale, Scale]],
    bold: frozenset[str],
    own: str,
    top: float,
) -> list[Panel]:
    """In reading order below `top`, each under its variant's name, with its scales (x, y)."""
    columns, height = _shape(len(labels))
    gap = GAP + (ROOM if own == "y" else 0)
    width = (WIDTH - LEFT - RIGHT - gap * (columns - 1)) / columns
    found = []
    for i, (label, (x, y)) in enumerate(zip(labels, scales, strict=True)):
        row, column = divmod(i, columns)
        left = LEFT + column * (width + gap)
        bottom = top - (row + 1) * (height + HEAD) - row * _low(own)
        panel = Panel(left, bottom, width, height, x, y)
        most, size = (22, SIZE) if columns == 2 else (14, SMALL)
        weight = "bold" if label in bold else "normal"
        plot.text(left, panel.top + 0.06, shorten(label, most), size=size, weight=weight)
        if own == "y" or column == 0:
            _label_rows(plot, panel)
        if own == "x" or i + columns >= len(labels):
            _label_columns(plot, panel)
        found.append(panel)
    grids = chain.from_iterable(panel.grid() for panel in found)
    frames = chain.from_iterable(panel.frame() for panel in found)
    plot.strokes(grids, color=INK, linewidth=0.5, alpha=FAINT, zorder=0)
    plot.strokes(frames, color=INK, linewidth=0.6, zorder=2)
    return found


def _label_rows(plot: Plot, panel: Panel) -> None:
    for tick in panel.y.ticks(MOST_TICKS):
        at = panel.left - PAD, panel.up(tick)
        plot.text(*at, plain(tick), size=SMALL, ha="right", va="center_baseline")


def _label_columns(plot: Plot, panel: Panel) -> None:
    for tick in panel.x.ticks(MOST_TICKS):
        at = panel.across(tick), panel.bottom - PAD
        plot.text(*at, plain(tick), size=SMALL, ha="center", va="top")


def _low(own: str) -> float:
    return 0.14 if own == "x" else 0.0


def _shape(num: int) -> tuple[int, float]:
    return (2, 1.25) if num <= FEW else (3, 0.95)
