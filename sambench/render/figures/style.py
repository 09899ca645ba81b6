"""How figures look: ink that follows the theme, hues that nobody needs to see.

Ink is drawn as `currentColor`. The hues are Okabe and Ito's, darkened for light themes and
lightened for dark ones to a contrast of 3 or more; what has a hue also has a marker and a label.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from sambench.analysis import numbers
from sambench.scores import ACCURACY, Score

INK = "#1f2328"
HUES = {  # drawn and shown on light ground -> shown on dark ground
    "#0072b2": "#56b4e9",  # blue
    "#d55e00": "#ff8a4c",  # vermillion
    "#00825f": "#2dc39a",  # green
    "#a8427f": "#e69ac8",  # purple
    "#946300": "#e6a817",  # orange
    "#4b55c4": "#a5acff",  # indigo
}
WARNING = "#d55e00"
MARKERS = ("o", "D", "^", "v", "P", "X")
BASELINE, OTHER = "s", "o"
Dashes = str | tuple[int, tuple[float, ...]]
DASHES: tuple[Dashes, ...] = (
    "-",
    (0, (4, 1.5)),
    (0, (1.5, 1.2)),
    (0, (5, 1.2, 1, 1.2)),
    (0, (7, 2)),
    (0, (2.5, 2.5)),
)
BASE_DASHES: tuple[Dashes, ...] = ("-", (0, (1, 1.6)), (0, (5, 2)))
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
SIZE, SMALL, TITLE = 8.5, 7.5, 10.0  # points
FAINT, SOFT = 0.18, 0.72  # opacities of grid and of secondary text
SETTINGS: dict[str, str | float | bool] = {
    "svg.fonttype": "none",  # text stays text: small, searchable, in the reader's font
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that layouts are the same everywhere
    "font.size": SIZE,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "grid.color": INK,
    "grid.alpha": FAINT,
    "grid.linewidth": 0.5,
    "lines.solid_capstyle": "round",
    "figure.dpi": 72,  # so that pixels are points, as in SVG
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "path.simplify": False,  # which points it leaves out hangs on last bits
}


@contextmanager
def settings(name: str) -> Iterator[None]:
    """Our settings and no user's; `name` tells the inner ids of one figure from another's."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        for key, value in {**SETTINGS, "svg.hashsalt": f"sambench {name}"}.items():
            matplotlib.rcParams[key] = value  # pyright: ignore[reportArgumentType]
        yield


def css(scope: str) -> str:
    """The hues of both themes, for elements below the selector `scope`."""
    dark = _rules(scope, list(HUES.values()))
    return f"{_rules(scope, list(HUES))}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


def _rules(scope: str, hues: Sequence[str]) -> str:
    return "\n".join(
        f"{scope} .f{i} {{ fill: {hue} }} {scope} .s{i} {{ stroke: {hue} }}"
        for i, hue in enumerate(hues)
    )


def painted(name: str, colour: str) -> tuple[str, str]:
    """Value and class of "fill" or "stroke": ink and hues follow the theme; "" for no class."""
    colour = colour.lower()
    if colour == INK:
        return "currentColor", ""
    hue = f"{name[0]}{list(HUES).index(colour)}" if colour in HUES else ""
    return colour, hue


class Chosen(NamedTuple):
    """An arm's setting to use."""

    lr: float
    rho: float | None
    """None where it has no radius"""
    epochs: int


@dataclass(frozen=True)
class Look:
    """What each arm of a study looks like in all of its figures.

    `order` is the ranking, best first. The baseline's arms are ink, told apart by their dashes; six
    others, the one to use and the best, have hues and markers; the rest is faint and small.
    """

    order: tuple[str, ...]
    baselines: tuple[str, ...]
    """the one that has the baseline's name first"""
    use: str = ""
    """the arm that the study recommends, "" if none"""
    chosen: Mapping[str, Chosen] = field(default_factory=dict)
    score: Score = ACCURACY
    """what the study goes by"""

    @property
    def best(self) -> tuple[str, ...]:
        """Those with a hue of their own."""
        others = [v for v in self.order if v not in self.baselines]
        first = sorted(others, key=lambda v: v != self.use)[: len(HUES)]
        return tuple(v for v in others if v in first)

    def told(self, variant: str) -> bool:
        """Whether it stands out."""
        return variant in self.baselines or variant in self.best

    def colour(self, variant: str) -> str:
        return list(HUES)[self.best.index(variant)] if variant in self.best else INK

    def marker(self, variant: str) -> str:
        if variant in self.best:
            return MARKERS[self.best.index(variant)]
        return BASELINE if variant in self.baselines else OTHER

    def dashes(self, variant: str) -> Dashes:
        """As matplotlib's line styles."""
        for variants, patterns in ((self.baselines, BASE_DASHES), (self.best, DASHES)):
            if variant in variants:
                return patterns[variants.index(variant) % len(patterns)]
        return "-"

    def alpha(self, variant: str) -> float:
        return 1.0 if self.told(variant) else 0.45

    def weight(self, variant: str) -> str:
        """Of its name."""
        return "bold" if variant in self.baselines else "normal"

    def sorted(self, variants: Iterable[str]) -> list[str]:
        """In the order of the ranking, then by name."""
        place = {variant: i for i, variant in enumerate(self.order)}
        return sorted(set(variants), key=lambda v: (place.get(v, len(place)), v))

    def configuration(self, variant: str) -> str:
        """A line of hover text, with its line break; empty where it is not known."""
        if not (own := self.chosen.get(variant)):
            return ""
        radius = "" if own.rho is None else f", rho {numbers.setting(own.rho)}"
        return f"\nsetting to use: lr {numbers.setting(own.lr)}{radius}, {own.epochs} epochs"
