"""Lines with bands, one for each arm, with their names where they end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

from sambench.render.figures.known import by_variant, have
from sambench.render.figures.labels import Place, column, column_height, column_width
from sambench.render.figures.marks import Mark
from sambench.render.figures.panels import ABOVE, BELOW, LEFT, Panel, single
from sambench.render.figures.plot import LINE, WIDTH, Plot, inches
from sambench.render.figures.scales import Scale
from sambench.render.figures.style import Look

FEW = 6  # bands that can be told apart
HEIGHT = 2.0  # inches of a panel whose names have room
STEP, AWAY = 0.085, 0.07  # inches between arms beside the panel, and before the first and the last
SIDE_BY_SIDE = 10  # arms, all of which stand there so
MANY = 15  # points of a line that have marks of full size
MOST = 60  # marks of a line


class Point(NamedTuple):
    """Of an arm's line, in the numbers of the axes; NaN where there is no band."""

    variant: str
    x: float
    y: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Lines:
    """The arms of a figure."""

    by_arm: Mapping[str, Sequence[Point]]
    """in the order of the ranking"""
    look: Look
    ends: bool
    """whether a line's last point stands right of the panel, beside those of the others"""

    @classmethod
    def of(cls, points: Iterable[Point], look: Look, *, ends: bool = False) -> Self:
        found = by_variant(points)
        ordered = {v: sorted(found[v], key=lambda point: point.x) for v in look.sorted(found)}
        return cls(ordered, look, ends)

    @cached_property
    def banded(self) -> list[str]:
        """Arms that have a band: none, if there are so many that none could be made out."""
        bands = {v: have(line, "low", "high") for v, line in self.by_arm.items()}
        found = [v for v, band in bands.items() if len(band) > 1]
        return found if len(found) <= FEW else []

    @cached_property
    def apart(self) -> list[str]:
        """Arms that stand side by side at the end; others share one place behind them."""
        few = len(self.by_arm) <= SIDE_BY_SIDE
        return [v for v in self.by_arm if self.ends and (few or self.look.told(v))]

    @cached_property
    def barred(self) -> list[str]:
        """Arms whose end has a bar."""
        return [v for v in self.apart if have(self.by_arm[v][-1:], "low", "high")]

    @property
    def _places(self) -> int:
        return len(self.apart) + (len(self.apart) < len(self.by_arm)) if self.ends else 0

    @property
    def _strip(self) -> float:
        """Inches that the lines' ends take beside the panel."""
        return 2 * AWAY + STEP * (self._places - 1) if self.ends else AWAY

    @property
    def _height(self) -> float:
        return max(HEIGHT, column_height(list(self.by_arm)))

    @property
    def body(self) -> float:
        """Inches below title and subtitle."""
        return BELOW + self._height + LINE + ABOVE

    def draw(self, plot: Plot, x: Scale, y: Scale, across: str, upwards: str) -> Panel:
        """Lines of those that stand out above the others."""
        edge = WIDTH - column_width(self.by_arm, self.look)
        panel = Panel(LEFT, BELOW, edge - self._strip - LEFT, self._height, x, y)
        single(plot, panel, across, upwards)
        leaders: dict[str, list[Place]] = {}
        for label, line in reversed(list(self.by_arm.items())):
            self._line(plot, panel, label)
            end = panel.across(line[-1].x), panel.up(line[-1].y)
            if self.ends:
                end = self._end(plot, panel, label), end[1]
            leaders[label] = [end] if self.ends else [end, (panel.right, end[1])]
        ordered = {label: leaders[label] for label in self.by_arm}
        column(plot, ordered, edge, (panel.bottom, panel.top), self.look)
        return panel

    def _line(self, plot: Plot, panel: Panel, label: str) -> None:
        look, line = self.look, self.by_arm[label]
        colour, told = look.colour(label), look.told(label)
        if label in self.banded:
            band = have(line, "low", "high")
            below = [(panel.across(point.x), panel.up(point.low)) for point in band]
            above = [(panel.across(point.x), panel.up(point.high)) for point in reversed(band)]
            plot.area([*below, *above], color=colour, alpha=0.1, zorder=1)
        plot.strokes(
            [[(panel.across(point.x), panel.up(point.y)) for point in line]],
            color=colour,
            linewidth=1.6 if told else 0.8,
            linestyle=look.dashes(label),
            alpha=look.alpha(label),
            zorder=3 if told else 2,
        )
        marked = line[:-1] if self.ends else line
        marked = marked[:: -(-len(marked) // MOST) or 1]
        area = 9 if len(marked) <= MANY and told else 5
        mark = Mark(look.marker(label), area, colour, alpha=look.alpha(label))
        texts = [point.text + look.configuration(label) for point in marked]
        xs, ys = [point.x for point in marked], [point.y for point in marked]
        plot.points(panel.place, label, xs, ys, mark, texts)

    def _end(self, plot: Plot, panel: Panel, label: str) -> float:
        """Beside the panel; where it stands, in inches from the left."""
        look, end = self.look, self.by_arm[label][-1]
        place = self.apart.index(label) if label in self.apart else len(self.apart)
        x, colour = panel.right + AWAY + STEP * place, look.colour(label)
        if label in self.barred:
            bar = [((x, panel.up(end.low)), (x, panel.up(end.high)))]
            plot.strokes(bar, color=colour, linewidth=1.1, alpha=0.8, zorder=3)
        area = 20 if label in self.apart else 8
        mark = Mark(look.marker(label), area, colour, alpha=look.alpha(label))
        texts = [end.text + look.configuration(label)]
        plot.points(inches, f"{label}-end", [x], [panel.up(end.y)], mark, texts)
        return x
