"""How numbers are written on a leaderboard; `-` where there is none.

Digits are rounded half to even from a number's shortest decimal text: a double is seldom the tie
that its text is.
"""

from decimal import Decimal
from math import isfinite

from sambench.analysis.findings import Estimate
from sambench.scores import Score, decimals

NONE = "-"


def decimal(value: float) -> Decimal:
    """The number that its shortest decimal text names."""
    return Decimal(repr(float(value)))


def percent(fraction: float) -> str:
    """0.951 -> 95.10"""
    return f"{100 * decimal(fraction):.2f}"


def points(fraction: float) -> str:
    """0.0185 -> +1.85, never -0.00"""
    return f"{100 * decimal(fraction):+z.2f}"


def score(value: float, of: Score) -> str:
    """As columns have it, without a unit: 0.951 of accuracy -> 95.10"""
    return _written(value, of, _places(of, value))


def told(value: float, of: Score) -> str:
    """As sentences have it: 95.10%"""
    return f"{score(value, of)}{'%' * of.in_percent}"


def gap(value: float, of: Score) -> str:
    """A difference of scores: 0.0185 of accuracy -> +1.85, never -0.00"""
    return _written(value, of, _places(of, value), "+")


def estimate(found: Estimate | None, of: Score) -> str:
    """95.10 ± 0.41; 99.20 [97.70, 100.00] where the interval is cut; without one its value."""
    if found is None:
        return NONE
    if found.low is None or found.high is None:
        return score(found.value, of)
    places = _places(of, found.value)
    value, low, high = (_written(x, of, places) for x in (found.value, found.low, found.high))
    if found.is_cut:
        return f"{value} [{low}, {high}]"
    half = (decimal(found.high) - decimal(found.value)) * Decimal(of.scale)
    return f"{value} ± {half:.{places}f}"


def difference(found: Estimate | None, of: Score) -> str:
    """+1.85 [+1.20, +2.50]"""
    if found is None:
        return NONE
    if found.low is None or found.high is None:
        return gap(found.value, of)
    places = _places(of, found.value, found.low, found.high)
    value, low, high = (_written(x, of, places, "+") for x in (found.value, found.low, found.high))
    return f"{value} [{low}, {high}]"


def lead(found: Estimate, of: Score) -> str:
    """A difference in a sentence: "+1.85 points [+1.20, +2.50]" of a share of which more is better;
    else the way it goes, as its sign may mean either: "lower by 3.10 [1.02, 5.18]"."""
    value, _, interval = difference(found, of).partition(" ")
    if of.in_percent and of.sign > 0:
        return f"{value} points {interval}".rstrip()
    way = "lower" if found.value < 0 or (found.value == 0 and of.sign < 0) else "higher"
    size, _, interval = difference(found.turned(-1 if way == "lower" else 1), of).partition(" ")
    unit = " points" * of.in_percent
    return f"{way} by {size.lstrip('+')}{unit} {interval.replace('+', '')}".rstrip()


def _places(of: Score, *values: float) -> int:
    """Decimals: those of the score, or what the largest of these values needs."""
    if of.decimals is not None or of.in_percent:
        return 2 if of.decimals is None else of.decimals
    size = max((abs(value) for value in values if isfinite(value)), default=0.0)
    return decimals(size) if size else 0


def _written(value: float, of: Score, places: int, sign: str = "") -> str:
    return f"{decimal(value) * Decimal(of.scale):{sign}z.{places}f}"


def p_value(p: float | None) -> str:
    """0.0234 -> 0.023, and <0.001"""
    if p is None:
        return NONE
    return "<0.001" if p < 0.001 else f"{decimal(p):.3f}"


def setting(value: float | None) -> str:
    """A learning rate or a radius, three digits."""
    return NONE if value is None else f"{value:.3g}"


def count(value: float | None) -> str:
    """156400.0 -> 156,400"""
    return NONE if value is None else f"{value:,.0f}"


def ratio(value: float | None) -> str:
    """2.0 -> 2.00x"""
    return NONE if value is None else f"{value:.2f}x"


def listing(words: list[str]) -> str:
    """a, b and c"""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def times(num: int, what: str) -> str:
    """1 search, 5 searches"""
    plural = "es" if what == "search" else "s"
    return f"{num:,} {what}{plural if num != 1 else ''}"


def duration(seconds: float) -> str:
    """85 -> "1 min 25 s"; hours and minutes above an hour."""
    minutes, s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {s} s" if minutes else f"{s} s"
