"""Where one tuning curve lies above another, in words."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import groupby

from sambench.analysis import numbers
from sambench.analysis.bands import kept
from sambench.analysis.curves import Pair, pairs
from sambench.analysis.evidence import Evidence

Stretch = tuple[str, str, Fraction, Fraction]
"""Who does better than whom, from which budget to which."""


def orders(evidence: Evidence) -> tuple[str, ...]:
    """A sentence for each arm that does better: only what a simultaneous band excludes."""
    bands = kept(evidence)
    if bands is None:
        return ()
    told: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for better, worse, start, end in _stretches(evidence, bands.differences):
        told[better][_budgets(start, end)].append(worse)
    return tuple(
        _sentence(label, told[label], evidence.score.ahead)
        for label in evidence.arms
        if label in told
    )


def _sentence(label: str, told: Mapping[str, list[str]], ahead: str) -> str:
    parts = [f"{numbers.listing(below)} {budgets}" for budgets, below in told.items()]
    return f"{label} lies {ahead} {f'; {ahead} '.join(parts)}."


def _stretches(evidence: Evidence, width: float) -> Iterator[Stretch]:
    for labels, own in groupby(pairs(evidence), key=lambda pair: pair.labels):
        for sign, same in groupby(own, key=lambda pair: _sign(pair, width)):
            places = [pair.evaluations for pair in same]
            better, worse = labels if sign > 0 else labels[::-1]
            if sign:
                yield better, worse, places[0], places[-1]


def _sign(pair: Pair, width: float) -> int:
    """+1 where the first does better than the second, -1 worse, 0 where that is not sure."""
    a, b = pair.tuned
    apart, sure = float(a.score - b.score), width * a.error_against(b)
    return 0 if abs(apart) <= sure or not sure else 1 if apart > 0 else -1


def _budgets(start: Fraction, end: Fraction) -> str:
    """from 4 to 8 runs, or at 8 runs"""
    first, last = (numbers.setting(float(place)) for place in (start, end))
    return f"at {last} runs" if start == end else f"from {first} to {last} runs"
