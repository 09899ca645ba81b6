"""Lines with bands, one for each arm.

Few arms share a panel; of many, each has its own, before the baseline's arms.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

from sambench.render.figures.known import by_variant, have
from sambench.render.figures.labels import spread
from sambench.render.figures.marks import Mark
from sambench.render.figures.panels import LEFT, Layout, Panel, panels
from sambench.render.figures.plot import LINE, Plot, inches, shorten, width_of
from sambench.render.figures.scales import Scale
from sambench.render.figures.style import INK, SMALL, Look

FEW = 6  # arms that share a panel
GAP = 0.145  # inches between names
STEP, AWAY = 0.085, 0.07  # inches between arms beside the panel, and before the first and the last
BACK = 0.55  # opacity of the baseline's arms behind another
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
    """The arms of a figure, and how they share it."""

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
    def bases(self) -> list[str]:
        return [label for label in self.look.baselines if label in self.by_arm]

    @cached_property
    def rivals(self) -> list[str]:
        return [label for label in self.by_arm if label not in self.bases]

    @property
    def together(self) -> bool:
        return len(self.by_arm) <= FEW or not self.rivals

    @cached_property
    def shown(self) -> list[list[str]]:
        """The arms of each panel."""
        if self.together:
            return [list(self.by_arm)]
        return [self.look.sorted([*self.bases, label]) for label in self.rivals]

    @cached_property
    def strip(self) -> float:
        """Inches that the lines' ends take beside a panel."""
        return 2 * AWAY + STEP * (max(map(len, self.shown)) - 1) if self.ends else AWAY

    @cached_property
    def layout(self) -> Layout:
        names = width_of(map(shorten, self.by_arm), SMALL) + 0.08 if self.together else 0.0
        return Layout(len(self.shown), beside=self.strip + names)

    @property
    def _key(self) -> float:
        return 0.0 if self.together else LINE

    @property
    def body(self) -> float:
        """Inches below title and subtitle."""
        return self.layout.body + self._key

    def draw(self, plot: Plot, x: Scale, y: Scale, across: str, upwards: str) -> list[Panel]:
        """All panels, the names of the axes below."""
        titles = [""] if self.together else self.rivals
        axes = [(x, y)] * len(self.shown)
        places = panels(plot, self.layout, titles, axes, self.look, plot.body - self._key)
        for panel, labels in zip(places, self.shown, strict=True):
            for place, label in reversed(list(enumerate(labels))):
                behind = not self.together and label in self.bases
                self._line(plot, panel, label, behind)
                if self.ends:
                    at = panel.right + AWAY + STEP * place
                    self._end(plot, panel, at, self.by_arm[label][-1], behind)
        if self.together:
            self._names(plot, places[0])
            plot.text(LEFT, places[0].top + 0.08, upwards, size=SMALL)
            plot.text(LEFT, 0.1, across, size=SMALL)
        else:
            self._samples(plot)
            plot.text(LEFT, 0.1, f"{across} across, {upwards} upwards", size=SMALL)
        return places

    def _line(self, plot: Plot, panel: Panel, label: str, behind: bool) -> None:
        look, line = self.look, self.by_arm[label]
        colour, alpha = look.colour(label), BACK if behind else 1.0
        band = have(line, "low", "high")
        if not behind and len(band) > 1:
            inside = panel.y.inside
            below = [(panel.across(point.x), panel.up(inside(point.low))) for point in band]
            above = [(panel.across(p.x), panel.up(inside(p.high))) for p in reversed(band)]
            plot.area([*below, *above], color=colour, alpha=0.1, zorder=1)
        plot.strokes(
            [[(panel.across(point.x), panel.up(point.y)) for point in line]],
            color=colour,
            linewidth=0.9 if behind else 1.6,
            linestyle=look.dashes(label),
            alpha=alpha,
            zorder=2 if behind else 3,
        )
        marked = line[:-1] if self.ends else line
        marked = marked[:: -(-len(marked) // MOST) or 1]
        area = 9 if len(marked) <= MANY and self.together else 5
        mark = Mark(look.marker(label), area, colour, alpha=alpha)
        self._points(plot, panel, label, marked, mark)

    def _points(
        self, plot: Plot, panel: Panel, label: str, line: Sequence[Point], mark: Mark
    ) -> None:
        texts = [point.text + self.look.configuration(label) for point in line]
        xs, ys = [point.x for point in line], [point.y for point in line]
        plot.points(panel.place, label, xs, ys, mark, texts)

    def _end(self, plot: Plot, panel: Panel, x: float, end: Point, behind: bool) -> None:
        look, label = self.look, end.variant
        colour, alpha = look.colour(label), BACK if behind else 1.0
        if have([end], "low", "high"):
            bar = [((x, panel.up(end.low)), (x, panel.up(end.high)))]
            plot.strokes(bar, color=colour, linewidth=1.1, alpha=0.8 * alpha, zorder=3)
        mark = Mark(look.marker(label), 8 if behind else 20, colour, alpha=alpha)
        texts = [end.text + look.configuration(label)]
        plot.points(inches, f"{label}-end", [x], [panel.up(end.y)], mark, texts)

    def _names(self, plot: Plot, panel: Panel) -> None:
        """Right of all, with thin leaders to where the lines end."""
        ends = [line[-1] for line in self.by_arm.values()]
        places = spread([panel.up(end.y) for end in ends], GAP, panel.bottom, panel.top)
        edge = panel.right + self.strip
        for i, (end, at) in enumerate(zip(ends, places, strict=True)):
            x = panel.right + AWAY + STEP * i if self.ends else panel.across(end.x)
            leader = [(x, panel.up(end.y)), (edge, at)]
            colour = self.look.colour(end.variant)
            plot.strokes([leader], color=colour, linewidth=0.6, alpha=0.5, zorder=1)
            weight = self.look.weight(end.variant)
            style = {"size": SMALL, "weight": weight, "va": "center_baseline"}
            plot.text(edge + 0.03, at, shorten(end.variant), **style)

    def _samples(self, plot: Plot) -> None:
        """Of the lines of the baseline's arms, which stand in every panel."""
        x, y = LEFT, plot.body - 0.07
        for label in self.bases:
            sample, dashes = [((x, y), (x + 0.28, y))], self.look.dashes(label)
            plot.strokes(sample, color=INK, linewidth=1.1, linestyle=dashes, alpha=BACK)
            plot.text(x + 0.33, y, shorten(label), size=SMALL, va="center_baseline")
            x += 0.33 + width_of([shorten(label)], SMALL) + 0.16
