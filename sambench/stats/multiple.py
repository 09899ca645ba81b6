"""Many comparisons at once: Holm's adjustment, and letters for what is not separated."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from string import ascii_letters


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment: compare each result with the level itself (JSTOR 4615733)."""
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, ps[i] * (len(ps) - rank)))
        adjusted[i] = highest
    return adjusted


def rejected(p: Callable[[int], float], num: int, level: float) -> int:
    """How many of `num` results Holm's procedure rejects, the smallest p first.

    It asks for few of them: those far below any level it would compare them with it skips.
    """
    sure = bisect_left(range(num), True, key=lambda i: p(i) * num >= level)
    return next((i for i in range(sure, num) if p(i) * (num - i) >= level), num)


def letters(num: int, separated: Iterable[tuple[int, int]]) -> list[str]:
    """One letter per maximal set of 0..num-1 without a separated pair (Piepho 2004)."""
    sets = {frozenset(range(num))}
    for pair in separated:
        split = {s for s in sets if not s.issuperset(pair)}
        split |= {s - {i} for s in sets if s.issuperset(pair) for i in pair}
        sets = {s for s in split if not any(s < other for other in split)}
    ordered = sorted(sets, key=sorted)
    return [
        "".join(a for a, s in zip(ascii_letters, ordered, strict=False) if i in s)
        for i in range(num)
    ]
