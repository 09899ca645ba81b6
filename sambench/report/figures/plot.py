"""A figure in the making: sheet, axes, points with their hover texts."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from sambench.report.figures.style import FAINT, INK, SIZE, SMALL, SOFT, TITLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 4.4  # inches: at 400 pixels, a phone, text is still 10 pixels high
LINE = 0.155  # inches from one line of small text to the next
LETTER = 0.58  # mean width of a letter, in font sizes


@dataclass
class Plot:
    """A figure, and what it says to those who point at it or cannot see it.

    All lengths are in inches from the lower left corner, so that no layout depends on fonts.
    """

    name: str
    title: str
    alt: str
    subtitle: str
    body: float  # height below title and subtitle
    figure: "Figure" = field(init=False)
    hover: dict[str, list[str]] = field(default_factory=dict)  # gid -> a text per point

    def __post_init__(self) -> None:
        from matplotlib.figure import Figure

        lines = wrap(self.subtitle, 76)
        head = 0.26 + LINE * len(lines) + 0.06
        self.figure = Figure(figsize=(WIDTH, round(self.body + head, 3)))
        self.text(0.04, self.height - 0.17, self.title, size=TITLE, weight="bold")
        for i, line in enumerate(lines):
            self.text(0.04, self.height - 0.36 - LINE * i, line, size=SMALL, alpha=SOFT)

    @property
    def height(self) -> float:
        return self.figure.get_figheight()

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        self.figure.text(x / WIDTH, y / self.height, text, **style)

    def axes(self, left: float, bottom: float, width: float, height: float) -> "Axes":
        return self.figure.add_axes(
            (left / WIDTH, bottom / self.height, width / WIDTH, height / self.height)
        )

    def points(
        self,
        axes: "Axes",
        gid: str,
        x: Sequence[float],
        y: Sequence[float],
        texts: Sequence[str],
        **style: Any,
    ) -> None:
        """Markers that can be pointed at: the i-th has the id GID-i and the i-th text."""
        if not texts:
            return
        key = slug(f"{self.name}-{gid}")
        while key in self.hover:
            key += "x"
        self.hover[key] = list(texts)
        style = {"linewidths": 0.8, "zorder": 3, "clip_on": False, **style}
        axes.scatter(x, y, **style).set_gid(key)


def slug(words: str) -> str:
    """Letters, digits and hyphens only."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def width_of(texts: Iterable[str], size: float = SIZE) -> float:
    """How many inches the longest of these texts takes, with a little for other fonts."""
    from matplotlib.textpath import TextPath  # optional, like all of matplotlib

    lengths = [TextPath((0, 0), text, size=size).get_extents().width for text in texts if text]
    return 1.06 * max(lengths, default=0) / 72


def shorten(label: str, most: int = 22) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"


def note(axes: "Axes", x: float, y: float, text: str, **style: Any) -> None:
    """Small text at a point of the data."""
    axes.annotate(
        text,
        (x, y),
        **{
            "xytext": (0, 0),
            "textcoords": "offset points",
            "fontsize": SMALL,
            "color": INK,
            "va": "center",
            **style,
        },
    )


def grid(axes: "Axes", which: str = "both") -> None:
    axes.grid(axis=which, alpha=FAINT)  # pyright: ignore[reportArgumentType]
