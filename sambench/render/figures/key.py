"""Which mark is whose, below panels that all arms share."""

from collections.abc import Sequence

from sambench.render.figures.marks import Mark
from sambench.render.figures.plot import LINE, NAME, WIDTH, Plot, inches, shorten, width_of
from sambench.render.figures.style import SMALL, Look

LEFT, BOTTOM = 0.1, 0.08  # inches
MARK, AFTER = 0.14, 0.16  # inches that a mark and the gap behind a name take
OTHERS = "others"


def lines(labels: Sequence[str], look: Look) -> list[list[str]]:
    """The names, as many on a line as have room; arms that do not stand out share one."""
    told = [label for label in labels if look.told(label)]
    found: list[list[str]] = [[]]
    room = WIDTH - LEFT
    for label in [*told, *([OTHERS] if len(told) < len(labels) else [])]:
        if found[-1] and _width(label) > room:
            found.append([])
            room = WIDTH - LEFT
        found[-1].append(label)
        room -= _width(label)
    return found


def height(labels: Sequence[str], look: Look) -> float:
    """Inches that it takes."""
    return BOTTOM + LINE * len(lines(labels, look))


def draw(plot: Plot, labels: Sequence[str], look: Look) -> None:
    """At the foot of the sheet."""
    rows = lines(labels, look)
    for i, row in enumerate(rows):
        x, y = LEFT, BOTTOM + LINE * (len(rows) - 1 - i)
        for label in row:
            mark = Mark(look.marker(label), 16, look.colour(label), alpha=look.alpha(label))
            plot.points(inches, f"key-{label}", [x], [y + 0.035], mark)
            style = {"size": SMALL, "weight": look.weight(label)}
            plot.text(x + MARK - 0.05, y, shorten(label, NAME), **style)
            x += _width(label)


def _width(label: str) -> float:
    return MARK + width_of([shorten(label, NAME)], SMALL, "bold") + AFTER
