"""Small multiples: a panel per variant, with tick labels at the border only.

Drawn as lines and texts on the sheet: matplotlib's axes are slow where there are forty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from sambench.render.figures.plot import LINE, WIDTH, Line, Plot, shorten
from sambench.render.figures.scales import Scale, plain
from sambench.render.figures.style import FAINT, INK, SIZE, SMALL, SOFT, Look

LEFT, BOTTOM, RIGHT, HEAD = 0.5, 0.5, 0.08, 0.24
GAP, ROOM = 0.16, 0.3  # inches between columns, and what tick labels of a panel's own take
FEW = 6  # panels that stand in two columns, not three
TICK, PAD = 2.5 / 72, 4.5 / 72  # inches that a tick is long, that its label is away
MOST_TICKS = 4  # across


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

    def y_ticks(self) -> list[float]:
        return self.y.ticks(max(3, round(3 * self.height)))

    def grid(self) -> list[Line]:
        """A line through the panel for each tick."""
        rows = [((self.left, y), (self.right, y)) for y in map(self.up, self.y_ticks())]
        ticks = map(self.across, self.x.ticks(MOST_TICKS))
        return [*rows, *(((x, self.bottom), (x, self.top)) for x in ticks)]

    def frame(self) -> list[Line]:
        """Left and lower edge with their ticks."""
        left, bottom = self.left, self.bottom
        edges = [((left, bottom), (left, self.top)), ((left, bottom), (self.right, bottom))]
        rows = map(self.up, self.y_ticks())
        columns = map(self.across, self.x.ticks(MOST_TICKS))
        edges += [((left - TICK, y), (left, y)) for y in rows]
        return [*edges, *(((x, bottom - TICK), (x, bottom)) for x in columns)]


@dataclass(frozen=True)
class Layout:
    """How panels share a sheet."""

    num: int
    own: str = ""
    """"x" or "y": each panel has tick labels of its own along that axis"""
    named: bool = False
    """each panel has a second line above it, the name of its y axis"""
    beside: float = 0.0
    """inches that are kept free right of each panel"""

    @property
    def columns(self) -> int:
        return 1 if self.num == 1 else 2 if self.num <= FEW else 3

    @property
    def height(self) -> float:
        """Of a panel."""
        return {1: 2.0, 2: 1.25, 3: 0.95}[self.columns]

    @property
    def head(self) -> float:
        return HEAD + (LINE if self.named else 0)

    @property
    def low(self) -> float:
        """Of tick labels between two rows."""
        return 0.14 if self.own == "x" else 0.0

    @property
    def body(self) -> float:
        """Height that all panels need."""
        rows = -(-self.num // self.columns)
        return BOTTOM + rows * (self.height + self.head + self.low) - self.low

    def place(self, i: int, top: float) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of the i-th panel, in reading order below `top`."""
        gap = GAP + (ROOM if self.own == "y" else 0)
        pitch = (WIDTH - LEFT - RIGHT + gap) / self.columns
        row, column = divmod(i, self.columns)
        bottom = top - (row + 1) * (self.height + self.head) - row * self.low
        return LEFT + column * pitch, bottom, pitch - gap - self.beside, self.height


def panels(
    plot: Plot,
    layout: Layout,
    labels: Sequence[str],
    scales: Sequence[tuple[Scale, Scale]],
    look: Look,
    top: float,
    names: Sequence[str] = (),
) -> list[Panel]:
    """Each under its label, with its scales (x, y) and, where the layout has them, y's names."""
    columns = layout.columns
    found = []
    for i, (label, (x, y)) in enumerate(zip(labels, scales, strict=True)):
        panel = Panel(*layout.place(i, top), x, y)
        most, size = (18, SMALL) if columns == 3 else (22, SIZE)
        head = panel.top + layout.head - HEAD + 0.06
        plot.text(panel.left, head, shorten(label, most), size=size, weight=look.weight(label))
        if names:
            plot.text(panel.left, panel.top + 0.06, names[i], size=SMALL, alpha=SOFT)
        own = layout.own
        if own == "y" or i % columns == 0:
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
    for tick in panel.y_ticks():
        at = panel.left - PAD, panel.up(tick)
        plot.text(*at, plain(tick), size=SMALL, ha="right", va="center_baseline")


def _label_columns(plot: Plot, panel: Panel) -> None:
    for tick in panel.x.ticks(MOST_TICKS):
        at = panel.across(tick), panel.bottom - PAD
        plot.text(*at, plain(tick), size=SMALL, ha="center", va="top")
