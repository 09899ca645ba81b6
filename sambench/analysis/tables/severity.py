"""Accuracy on corrupted images, by severity and by corruption.

severity frame: a quantity, arm and severity a line
measure, variant   name of the quantity, label
severity           0: the same images as they are
accuracy, low, high   mean over corruptions, weighed as the score is, and its own 95% interval

corruption frame: a quantity, arm and corruption a line
accuracy           mean over severities beyond 0
error_ratio        error over that of `plain`, the best ranked arm of the baseline; NaN if unknown
"""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from sambench.analysis.contest import estimate
from sambench.analysis.corrupted import AXES, by_corruption, by_severity
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Leaderboard
from sambench.analysis.tables._schema import NAN, typed
from sambench.analysis.worth import searches_of
from sambench.records import Quantity, quantities


class Severity(NamedTuple):
    """A line of the first table."""

    measure: str
    variant: str
    severity: float
    accuracy: float
    low: float
    high: float


class Corruption(NamedTuple):
    """A line of the second table."""

    measure: str
    variant: str
    corruption: str
    accuracy: float
    plain: str
    error_ratio: float


def severities(evidence: Evidence, found: Leaderboard) -> pd.DataFrame:
    """One row per quantity, arm and severity."""
    return typed(
        (
            Severity(quantity.name, label, severity, own.value, _or(own.low), _or(own.high))
            for quantity in _corrupted(evidence)
            for label in (row.label for row in found.rows)
            for severity, tuned in by_severity(evidence, label, quantity).items()
            for own in [estimate(tuned, searches_of(evidence, tuned))]
        ),
        Severity,
    )


def corruptions(evidence: Evidence, found: Leaderboard) -> pd.DataFrame:
    """One row per quantity, arm and corruption."""
    plain = next((row.label for row in found.rows if row.is_baseline and not row.why), "")
    return typed(
        (
            Corruption(quantity.name, label, name, accuracy, plain, _ratio(accuracy, base, name))
            for quantity in _corrupted(evidence)
            for base in [_accuracies(evidence, plain, quantity) if plain else {}]
            for label in (row.label for row in found.rows)
            for name, accuracy in _accuracies(evidence, label, quantity).items()
        ),
        Corruption,
    )


def _corrupted(evidence: Evidence) -> Iterator[Quantity]:
    return (one for one in quantities(evidence.header) if one.axes_named == AXES)


def _accuracies(evidence: Evidence, label: str, quantity: Quantity) -> dict[str, float]:
    found = by_corruption(evidence, label, quantity)
    return {name: float(tuned.score) for name, tuned in found.items()}


def _ratio(accuracy: float, base: dict[str, float], name: str) -> float:
    return (1 - accuracy) / (1 - base[name]) if base.get(name, 1) < 1 else NAN


def _or(value: float | None) -> float:
    return NAN if value is None else value
