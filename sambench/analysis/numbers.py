"""How numbers are written on a leaderboard; `-` where there is none.

Digits are rounded half to even from a number's shortest decimal text: a double is seldom the tie
that its text is.
"""

from decimal import Decimal

from sambench.analysis.findings import Estimate

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


def accuracy(score: Estimate | None) -> str:
    """95.10 ± 0.41; 99.20 [97.70, 100.00] where the interval is cut; without one its value."""
    if score is None:
        return NONE
    if score.low is None or score.high is None:
        return percent(score.value)
    if score.is_cut:
        return f"{percent(score.value)} [{percent(score.low)}, {percent(score.high)}]"
    half = 100 * (decimal(score.high) - decimal(score.value))
    return f"{percent(score.value)} ± {half:.2f}"


def difference(d: Estimate | None) -> str:
    """+1.85 [+1.20, +2.50]"""
    if d is None:
        return NONE
    if d.low is None or d.high is None:
        return points(d.value)
    return f"{points(d.value)} [{points(d.low)}, {points(d.high)}]"


def error(fraction: float | None) -> str:
    """A standard error in points, 0.0042 -> 0.42"""
    return NONE if fraction is None else percent(fraction)


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
