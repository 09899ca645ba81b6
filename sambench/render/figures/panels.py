"""Panels with the names of both axes: one, or small multiples without a hole.

Drawn as lines and texts on the sheet: matplotlib's axes are slow where there are forty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np

from sambench.render.figures.plot import LINE, WIDTH, Line, Plot, shorten, width_of
from sambench.render.figures.scales import Scale, plain
from sambench.render.figures.style import FAINT, INK, SIZE, SMALL, SOFT, Look

LEFT, RIGHT = 0.5, 0.08
BELOW = 0.36  # inches that tick labels and the name of an axis take below a panel
HEAD, ABOVE = 0.27, 0.09  # inches of an arm's name, and between a panel and what is above it
GAP, ROOM = 0.16, 0.3  # inches between columns, and what tick labels of a panel's own take
FEW = 6  # panels that stand in two columns, not three
TICK, PAD = 2.5 / 72, 4.5 / 72  # inches that a tick is long, that its label is away
MOST_TICKS = 4  # across
NAME_BELOW = 0.27  # inches from a panel to the middle of its axis' name


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
        """Where a value stands; one beyond the scale at its end."""
        return self.bottom + self.height * float(self.y.place(self.y.inside(y)))

    def x_ticks(self) -> list[float]:
        """As many as have room for their labels."""
        found = self.x.ticks(MOST_TICKS)
        while len(found) > 2 and self._crowded(found):
            found = found[::2]
        return found

    def _crowded(self, found: Sequence[float]) -> bool:
        pitch = min(abs(self.across(b) - self.across(a)) for a, b in pairwise(found))
        return pitch < width_of(map(plain, found), SMALL) + 0.04

    def y_ticks(self) -> list[float]:
        return self.y.ticks(max(3, round(3 * self.height)))

    def grid(self) -> list[Line]:
        """A line through the panel for each tick."""
        rows = [((self.left, y), (self.right, y)) for y in map(self.up, self.y_ticks())]
        ticks = map(self.across, self.x_ticks())
        return [*rows, *(((x, self.bottom), (x, self.top)) for x in ticks)]

    def frame(self) -> list[Line]:
        """Left and lower edge with their ticks."""
        left, bottom = self.left, self.bottom
        edges = [((left, bottom), (left, self.top)), ((left, bottom), (self.right, bottom))]
        rows = map(self.up, self.y_ticks())
        columns = map(self.across, self.x_ticks())
        edges += [((left - TICK, y), (left, y)) for y in rows]
        return [*edges, *(((x, bottom - TICK), (x, bottom)) for x in columns)]


@dataclass(frozen=True)
class Layout:
    """How panels share a sheet: the first row has what is left over, and is filled all the same."""

    num: int
    own: str = ""
    """"x" or "y": each panel has tick labels of its own along that axis"""

    @property
    def columns(self) -> int:
        return 1 if self.num == 1 else 2 if self.num <= FEW else 3

    @property
    def first(self) -> int:
        """Panels of the first row."""
        return self.num % self.columns or self.columns

    @property
    def rows(self) -> int:
        return -(-self.num // self.columns)

    @property
    def height(self) -> float:
        """Of a panel."""
        return {1: 2.0, 2: 1.25, 3: 0.95}[self.columns]

    @property
    def body(self) -> float:
        """Height that all panels need."""
        heads = self.rows * (self.height + HEAD + LINE)
        return heads + sum(map(self._below, range(self.rows)))

    def at(self, i: int) -> tuple[int, int]:
        """Row and column, in reading order."""
        if i < self.first:
            return 0, i
        row, column = divmod(i - self.first, self.columns)
        return row + 1, column

    def across(self, row: int) -> int:
        """Panels of a row."""
        return self.columns if row else self.first

    def has_rows_labelled(self, i: int) -> bool:
        return self.own == "y" or self.at(i)[1] == 0

    def has_columns_labelled(self, row: int) -> bool:
        """Below the last row, and below a first one whose panels are wider."""
        return self.own == "x" or row == self.rows - 1 or (row == 0 and self.first < self.columns)

    def _below(self, row: int) -> float:
        return BELOW if self.has_columns_labelled(row) else 0.0

    def place(self, i: int, top: float) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of the i-th panel below `top`."""
        row, column = self.at(i)
        gap = GAP + (ROOM if self.own == "y" else 0)
        pitch = (WIDTH - LEFT - RIGHT + gap) / self.across(row)
        bottom = top - (row + 1) * (self.height + HEAD + LINE) - sum(map(self._below, range(row)))
        return LEFT + column * pitch, bottom, pitch - gap, self.height


def multiples(
    plot: Plot,
    layout: Layout,
    labels: Sequence[str],
    scales: Sequence[tuple[Scale, Scale]],
    names: Sequence[tuple[str, str]],
    look: Look,
    top: float,
) -> list[Panel]:
    """Each under its label, with its scales (x, y) and the names of its axes."""
    found = []
    for i, (label, (x, y), (across, upwards)) in enumerate(zip(labels, scales, names, strict=True)):
        panel = Panel(*layout.place(i, top), x, y)
        narrow = layout.across(layout.at(i)[0]) == 3
        most, size = (18, SMALL) if narrow else (22, SIZE)
        head = panel.top + LINE + ABOVE
        plot.text(panel.left, head, shorten(label, most), size=size, weight=look.weight(label))
        name_upwards(plot, panel, upwards)
        if layout.has_rows_labelled(i):
            _label_rows(plot, panel)
        if layout.has_columns_labelled(layout.at(i)[0]):
            _label_columns(plot, panel)
            name_across(plot, panel, across)
        found.append(panel)
    _draw(plot, found)
    return found


def single(plot: Plot, panel: Panel, across: str, upwards: str) -> None:
    """With the names of its axes."""
    name_upwards(plot, panel, upwards)
    name_across(plot, panel, across)
    _label_rows(plot, panel)
    _label_columns(plot, panel)
    _draw(plot, [panel])


def name_across(plot: Plot, panel: Panel, name: str) -> None:
    style = {"size": SMALL, "ha": "center", "va": "center_baseline", "alpha": SOFT}
    plot.text(panel.left + panel.width / 2, panel.bottom - NAME_BELOW, name, **style)


def name_upwards(plot: Plot, panel: Panel, name: str) -> None:
    """Above, where it can be read upright."""
    plot.text(panel.left, panel.top + ABOVE, name, size=SMALL, alpha=SOFT)


def _draw(plot: Plot, found: Sequence[Panel]) -> None:
    grids = chain.from_iterable(panel.grid() for panel in found)
    frames = chain.from_iterable(panel.frame() for panel in found)
    plot.strokes(grids, color=INK, linewidth=0.5, alpha=FAINT, zorder=0)
    plot.strokes(frames, color=INK, linewidth=0.6, zorder=2)


def _label_rows(plot: Plot, panel: Panel) -> None:
    for tick in panel.y_ticks():
        at = panel.left - PAD, panel.up(tick)
        plot.text(*at, plain(tick), size=SMALL, ha="right", va="center_baseline")


def _label_columns(plot: Plot, panel: Panel) -> None:
    for tick in panel.x_ticks():
        label = plain(tick)
        last = panel.right + RIGHT - width_of([label], SMALL) / 2
        at = min(panel.across(tick), last), panel.bottom - PAD
        plot.text(*at, label, size=SMALL, ha="center", va="top")
