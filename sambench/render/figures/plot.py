"""A figure in the making: sheet, axes, points with their hover texts."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from sambench.render.figures.marks import Mark, Marks, Place
from sambench.render.figures.style import FAINT, SIZE, SMALL, SOFT, TITLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Line = Sequence[tuple[float, float]]
WIDTH = 4.4  # inches: at 400 pixels, a phone, text is still 10 pixels high
LINE = 0.155  # inches from one line of small text to the next
NAME = 18  # letters of an arm's name in a figure


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
    marks: list[Marks] = field(default_factory=list)  # in the order of drawing, above all else

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
        place: Place,
        name: str,
        x: Sequence[float],
        y: Sequence[float],
        mark: Mark,
        texts: Sequence[str] | None = None,
    ) -> None:
        """Marks that tell these texts, or, without texts, nothing; drawn above all else."""
        if not len(x):
            return
        id = slug(f"{self.name}-{name}")
        while any(marks.id == id for marks in self.marks):
            id += "x"
        self.marks.append(Marks(id, place, np.column_stack([x, y]), mark, texts))

    def strokes(self, lines: Iterable[Line], **style: Any) -> None:
        """Lines through points of the sheet, in inches; all are one path."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        several = [np.reshape(line, (-1, 2)) for line in lines]
        codes = [code for line in several for code in self._codes(len(line))]
        if not codes:
            return
        path, inches = Path(np.vstack(several), codes), self.figure.dpi_scale_trans
        self.figure.add_artist(PathPatch(path, fill=False, transform=inches, **style))

    @staticmethod
    def _codes(num: int) -> list[int]:
        from matplotlib.path import Path

        return [int(Path.MOVETO), *[int(Path.LINETO)] * (num - 1)]

    def area(self, corners: Line, **style: Any) -> None:
        """A filled one, in inches."""
        from matplotlib.patches import Polygon

        inches = self.figure.dpi_scale_trans
        self.figure.add_artist(Polygon(corners, linewidth=0, transform=inches, **style))


def inches(at: np.ndarray) -> np.ndarray:
    """A place of the sheet."""
    return 72 * at


def slug(words: str) -> str:
    """Letters, digits and hyphens only."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def width_of(texts: Iterable[str], size: float = SIZE, weight: str = "normal") -> float:
    """How many inches the longest of these texts takes, with a little for other fonts."""
    return 1.06 * max((_width(text, size, weight) for text in texts if text), default=0) / 72


@cache
def _width(text: str, size: float, weight: str) -> float:
    """In points."""
    from matplotlib.font_manager import FontProperties  # optional, like all of matplotlib
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def arms(num: int) -> str:
    return f"{num} arm{'s' * (num != 1)}"


def shorten(label: str, most: int = 22) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"


def grid(axes: "Axes", which: str = "both") -> None:
    axes.grid(axis=which, alpha=FAINT)  # pyright: ignore[reportArgumentType]
