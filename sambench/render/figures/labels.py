"""Where names go so that none covers another: beside their point, else in a column on the right."""

from collections.abc import Iterable, Mapping, Sequence

from sambench.render.figures.plot import NAME, Plot, shorten, width_of
from sambench.render.figures.style import SMALL, Look

Place = tuple[float, float]
Box = tuple[float, float, float, float]  # left, bottom, right, top
SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
GAP, HEIGHT = 0.13, 0.12  # inches between names of a column, and that a name takes
PAD = 0.03  # inches between a leader and its name


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions nearest to those wanted, at least `gap` apart (less only if they cannot fit).

    Of equal ones the first stands highest.

    >>> spread([1.1, 1.0, 5.0], 1.0, 0.0, 10.0)
    [1.55, 0.55, 5.0]
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda i: (round(wanted[i], 6), -i))
    blocks: list[tuple[float, int]] = []  # mean of (wanted - offset in block), members
    for i in order:
        mean, size = wanted[i], 1
        while blocks and blocks[-1][0] + blocks[-1][1] * gap > mean:
            before, num = blocks.pop()
            mean = (before * num + (mean - num * gap) * size) / (num + size)
            size += num
        blocks.append((mean, size))
    placed = [mean + k * gap for mean, size in blocks for k in range(size)]
    for k in range(len(placed)):  # inside, from below and then from above
        placed[k] = max(placed[k], low + k * gap)
    for k in reversed(range(len(placed))):
        placed[k] = min(placed[k], high - (len(placed) - 1 - k) * gap)
    result = [0.0] * len(wanted)
    for i, position in zip(order, placed, strict=True):
        result[i] = round(position, 6)
    return result


def beside(
    at: Mapping[str, Place],
    names: Sequence[str],
    frame: Box,
    obstacles: Sequence[Box],
    look: Look,
) -> dict[str, Box]:
    """Boxes for those names that have a free place at their point, in inches; the first first."""
    taken, found = [*obstacles], {}
    for name in names:
        width = width_of([shorten(name, NAME)], SMALL, look.weight(name))
        for side in SIDES:
            box = _beside(at[name], (width, HEIGHT), side)
            if _within(box, frame) and not any(_meet(box, other) for other in taken):
                found[name] = box
                taken.append(box)
                break
    return found


def column_width(names: Iterable[str], look: Look) -> float:
    """Inches that a column of names takes."""
    return PAD + max(width_of([shorten(name, NAME)], SMALL, look.weight(name)) for name in names)


def column_height(names: Sequence[str]) -> float:
    return GAP * len(names)


def column(
    plot: Plot,
    ends: Mapping[str, Sequence[Place]],
    x: float,
    limits: tuple[float, float],
    look: Look,
) -> None:
    """Names from `x` on, each at the end of a leader through places of the sheet, in inches."""
    heights = spread([places[-1][1] for places in ends.values()], GAP, *limits)
    for (name, places), y in zip(ends.items(), heights, strict=True):
        style = {"linewidth": 0.6, "alpha": 0.5 * look.alpha(name), "zorder": 1}
        leader = [[*places, (x, y)]]
        plot.strokes(leader, color=look.colour(name), linestyle=(0, (1, 2)), **style)
        write(plot, (x + PAD, y), name, look)


def write(plot: Plot, at: Place, name: str, look: Look) -> None:
    """An arm's name; the place is its left end, halfway up."""
    plot.text(
        *at,
        shorten(name, NAME),
        size=SMALL,
        weight=look.weight(name),
        va="center_baseline",
        alpha=1.0 if look.told(name) else 0.8,
    )


def _beside(point: Place, size: Place, side: tuple[int, int]) -> Box:
    away = 0.08 if 0 in side else 0.04
    x = point[0] + side[0] * (away + size[0] / 2)
    y = point[1] + side[1] * (away + size[1] / 2)
    box = x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2
    left, bottom, right, top = (round(end, 4) for end in box)  # not the last bits of a place
    return left, bottom, right, top


def _within(box: Box, frame: Box) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
