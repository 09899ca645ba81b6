"""Axes in numbers that people write: 0.01, 0.1, 1 and percent."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from sambench.scores import ACCURACY, Score

if TYPE_CHECKING:
    from matplotlib.axis import Axis

DECADES_FOR_TENS = 1.5  # fewer decades than this also get 2s and 5s
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Scale:
    """From `low` to `high`, both > 0 if it is logarithmic."""

    low: float
    high: float
    log: bool = False
    marks: tuple[float, ...] = ()
    """ticks, where they are not the usual ones"""

    def place(self, values: ArrayLike) -> np.ndarray:
        """0 at `low`, 1 at `high`."""
        low, high, at = self.low, self.high, np.asarray(values, float)
        if self.log:
            return np.log(at / low) / math.log(high / low)
        return (at - low) / (high - low)

    def inside(self, value: float) -> float:
        """The nearest value of the scale."""
        return min(max(value, self.low), self.high)

    def cuts(self, value: float) -> bool:
        """Whether it lies beyond; False for NaN."""
        return value < self.low or value > self.high

    def ticks(self, most: int) -> list[float]:
        """Marks, or round numbers, within; of a linear scale at most `most` + 1."""
        from matplotlib.ticker import MaxNLocator

        if self.marks:
            return [mark for mark in self.marks if self.low <= mark <= self.high]
        if self.log:
            return ticks(self.low, self.high)
        found = MaxNLocator(most, steps=STEPS).tick_values(self.low, self.high)
        return [float(tick) for tick in found if self.low <= tick <= self.high]


def whole(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Round whole numbers within, the lowest of them for sure."""
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(most, integer=True, steps=(1, 2, 5, 10)).tick_values(low, high)
    first = math.ceil(low)
    return (first, *(float(tick) for tick in found if first < tick <= high))


def share_scale(values: Iterable[float], margin: float = 0.06) -> Scale:
    """Of shares in percent: `limits` that end where shares do."""
    return score_scale(values, ACCURACY, margin)


def score_scale(values: Iterable[float], score: Score, margin: float = 0.06) -> Scale:
    """Of scores as they are shown: `limits` that end where they do."""
    (low, high), (least, most) = limits(values, margin), score.bounds
    return Scale(max(low, score.scale * least), min(high, score.scale * most))


def log_scale(low: float, high: float) -> Scale:
    """From `low` to `high`, both > 0, with a margin."""
    room = 10 ** max(0.06 * math.log10(high / low), 0.02)
    return Scale(low / room, high * room, log=True)


def plain(value: float) -> str:
    """0.001 and 1,500; the minus sign is one that screens know."""
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return text.replace("-", "\u2212")


def linear(axis: "Axis", most: int = 5, whole: bool = False) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(most, integer=whole, steps=STEPS))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))


def log(axis: "Axis", low: float, high: float) -> None:
    """From `low` to `high` with a margin, both > 0."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    name = "x" if axis is axis.axes.xaxis else "y"
    axis.axes.set(**{f"{name}scale": "log"})
    scale = log_scale(low, high)
    axis.axes.set(**{f"{name}lim": (scale.low, scale.high)})
    axis.set_major_locator(FixedLocator(ticks(scale.low, scale.high)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))


def ticks(low: float, high: float) -> list[float]:
    """Powers of ten between the limits, fewer where many; with 2s and 5s, or all digits, where few.

    >>> ticks(0.009, 1.2)
    [0.01, 0.1, 1.0]
    """
    decades = round(math.log10(high / low), 9)
    every = max(1, round(decades / 4))
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for steps in [(1,), (1, 2, 5), range(1, 10)][decades < DECADES_FOR_TENS :]:
        found = [float(f"{step}e{p}") for p in powers if p % every == 0 for step in steps]
        found = [tick for tick in found if low <= tick <= high]
        if len(found) > 1:
            return found
    return found or [math.sqrt(low * high)]


def limits(values: Iterable[float], margin: float = 0.06) -> tuple[float, float]:
    """The range of the finite values with some room, never empty."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite), max(finite)
    room = margin * (high - low) or 0.01 * abs(high) or 1.0
    return low - room, high + room
