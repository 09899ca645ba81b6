"""Small multiples: a panel per variant, axes shared, ticks at the border only."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sambench.report.figures.plot import WIDTH, Plot, shorten
from sambench.report.figures.style import SIZE, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEFT, BOTTOM, RIGHT, HEAD = 0.5, 0.5, 0.08, 0.24
GAP, ROOM = 0.16, 0.3  # inches between columns, and what tick labels of a panel's own take
FEW = 6  # panels that stand in two columns, not three


def body(num: int, own: str) -> float:
    """Height that so many panels need; each has tick labels of its `own` "x" or "y" axis."""
    columns, height = _shape(num)
    return BOTTOM + -(-num // columns) * (height + HEAD + _low(own)) - _low(own)


def panels(
    plot: Plot, labels: Sequence[str], bold: frozenset[str], own: str, top: float
) -> "list[Axes]":
    """Axes in reading order below `top`, each under its variant's name."""
    columns, height = _shape(len(labels))
    gap = GAP + (ROOM if own == "y" else 0)
    width = (WIDTH - LEFT - RIGHT - gap * (columns - 1)) / columns
    found = []
    for i, label in enumerate(labels):
        row, column = divmod(i, columns)
        left = LEFT + column * (width + gap)
        bottom = top - (row + 1) * (height + HEAD) - row * _low(own)
        axes = plot.axes(left, bottom, width, height)
        most, size = (22, SIZE) if columns == 2 else (14, SMALL)
        weight = "bold" if label in bold else "normal"
        above = bottom + height + 0.06
        plot.text(left, above, shorten(label, most), size=size, weight=weight)
        axes.tick_params(
            pad=2,
            labelleft=own == "y" or column == 0,
            labelbottom=own == "x" or i + columns >= len(labels),
        )
        found.append(axes)
    return found


def _low(own: str) -> float:
    return 0.14 if own == "x" else 0.0


def _shape(num: int) -> tuple[int, float]:
    return (2, 1.25) if num <= FEW else (3, 0.95)
