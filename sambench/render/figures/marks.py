"""Marks that can be pointed at: each a `use` of one shape, with its hover text.

We write them ourselves: a figure has thousands, and for each matplotlib and an XML tree are slow.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from sambench.render.figures import style

Place = Callable[[np.ndarray], np.ndarray]
"""From data (n, 2) to points of the sheet (n, 2), from its lower left corner."""


@dataclass(frozen=True)
class Mark:
    """What a mark looks like; `face` and `edge` are colours, None for none."""

    shape: str = "o"
    """as matplotlib's markers"""
    area: float = 12.0
    """of the square around it, in square points"""
    face: str | None = None
    edge: str | None = None
    width: float = 0.8
    """of the edge, in points"""
    alpha: float = 1.0


@dataclass(frozen=True)
class Marks:
    """Alike in all but place and text."""

    id: str
    """the i-th mark has the id ID-i"""
    place: Place
    at: np.ndarray
    """(n, 2), in data"""
    mark: Mark
    texts: Sequence[str] | None = None
    """one each, to tell; None if there is nothing to tell"""


def svg(found: Iterable[Marks], height: float) -> str:
    """Groups of marks on a sheet of so many points, and the shapes that they use."""
    shapes: dict[str, str] = {}
    groups = []
    for marks in found:
        shape = shapes.setdefault(outline(marks.mark.shape, marks.mark.area), f"{marks.id}-shape")
        groups.append(f" <g {_paint(marks.mark)}>\n{''.join(_uses(marks, shape, height))} </g>\n")
    defs = "".join(f'  <path id="{name}" d="{d}" />\n' for d, name in shapes.items())
    return f" <defs>\n{defs} </defs>\n{''.join(groups)}" if groups else ""


@cache
def outline(mark: str, area: float) -> str:
    """Path data of one of matplotlib's markers around the origin."""
    from matplotlib.markers import MarkerStyle

    shape = MarkerStyle(mark)
    path = shape.get_path().transformed(shape.get_transform())
    letters = {path.MOVETO: "M", path.LINETO: "L", path.CURVE3: "Q", path.CURVE4: "C"}
    parts = []
    for vertices, code in path.iter_segments(simplify=False):
        if code == path.CLOSEPOLY:
            parts.append("z")
        else:
            ends = np.reshape(vertices, (-1, 2)) * (math.sqrt(area), -math.sqrt(area))
            parts += [letters[code], *(f"{_short(x)} {_short(y)}" for x, y in ends)]
    return " ".join(parts)


def _uses(marks: Marks, shape: str, height: float) -> Iterator[str]:
    places = marks.place(marks.at).tolist()
    if marks.texts is None:
        for x, y in places:
            yield f'  <use x="{_short(x)}" y="{_short(height - y)}" href="#{shape}" />\n'
        return
    for i, ((x, y), text) in enumerate(zip(places, marks.texts, strict=True)):
        yield (
            f'  <use id="{marks.id}-{i}" class="point" x="{_short(x)}" y="{_short(height - y)}" '
            f'href="#{shape}"><title>{escape(text)}</title></use>\n'
        )


def _paint(mark: Mark) -> str:
    found: dict[str, str] = {}
    classes = []
    for name, colour in (("fill", mark.face), ("stroke", mark.edge)):
        found[name], hue = style.painted(name, colour or "none")
        classes += [hue] if hue else []
    if mark.edge:
        found["stroke-width"] = _short(mark.width)
    if mark.alpha != 1:
        found |= {f"{name}-opacity": f"{mark.alpha:g}" for name in ("fill", "stroke")}
    if classes:
        found["class"] = " ".join(classes)
    return " ".join(f"{name}={quoteattr(value)}" for name, value in found.items())


def _short(value: float) -> str:
    """Hundredths of a point, from millionths: places often lie midway, but for their last bits."""
    return f"{round(value, 6):z.2f}".rstrip("0").rstrip(".")
