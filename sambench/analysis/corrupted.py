"""Errors on corrupted images beside those of plain (Hendrycks & Dietterich 2019, section 3.2)."""

from collections.abc import Sequence
from math import fsum

import numpy as np

from sambench.analysis.evidence import Evidence
from sambench.analysis.worth import details, weighed
from sambench.records import Quantity, Score
from sambench.stats import Tuned

AXES = ("corruption", "severity")


def mean_error_of(quantity: Quantity) -> Score:
    """mCE, as a share of plain's errors."""
    return Score(name=f"{quantity.name}_mce", unit="of plain", direction="minimize")


def mean_errors(
    evidence: Evidence, quantity: Quantity, labels: Sequence[str], plain: str
) -> dict[str, Tuned | None]:
    """By arm the mean over corruptions of its errors, summed over severities, over plain's.

    None where one of the two has no details, or plain errs nowhere under some corruption.
    """
    base = by_corruption(evidence, plain, quantity)
    return {label: _ratio(by_corruption(evidence, label, quantity), base) for label in labels}


def by_corruption(evidence: Evidence, label: str, quantity: Quantity) -> dict[str, Tuned]:
    """Mean accuracy over the severities beyond 0, of the corruptions that these images have."""
    runs, table = details(evidence, label, quantity)
    if not len(runs):
        return {}
    severe = np.array([severity != 0 for severity in quantity.axes[1].ticks])
    found = {}
    for i, name in enumerate(quantity.axes[0].ticks):
        values = np.array([fsum(row[i, severe]) / severe.sum() for row in table])
        if np.isfinite(values).all() and (own := weighed(evidence, label, runs, values)):
            found[str(name)] = own
    return found


def by_severity(evidence: Evidence, label: str, quantity: Quantity) -> dict[float, Tuned]:
    """Mean accuracy over the corruptions that these images have."""
    runs, table = details(evidence, label, quantity)
    found = {}
    for i, severity in enumerate(quantity.axes[1].ticks if len(runs) else ()):
        columns = [row[:, i][np.isfinite(row[:, i])] for row in table]
        values = np.array([fsum(column) / len(column) for column in columns])
        if own := weighed(evidence, label, runs, values):
            found[float(severity)] = own
    return found


def _ratio(own: dict[str, Tuned], base: dict[str, Tuned]) -> Tuned | None:
    """With what each point moves, to first order."""
    if not own or own.keys() != base.keys() or any(plain.score == 1 for plain in base.values()):
        return None
    ratios, moved = [], dict.fromkeys({i for one in own.values() for i in one.influence}, 0.0)
    moved |= dict.fromkeys({i for one in base.values() for i in one.influence}, 0.0)
    for name, ours in own.items():
        plain = base[name]
        error, of = 1 - float(ours.score), 1 - float(plain.score)
        ratios.append(error / of)
        for i, by in ours.influence.items():
            moved[i] -= by / of / len(own)
        for i, by in plain.influence.items():
            moved[i] += by * error / of**2 / len(own)
    return Tuned(fsum(ratios) / len(ratios), moved)
