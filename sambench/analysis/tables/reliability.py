"""Confidence beside accuracy, a quantity, arm and bin a line.

measure, variant, bin   name of the quantity, label, number of the bin from 1
images                  share of them in the bin, over confirmed runs weighed as the score is
confidence, accuracy    of those items; NaN where there are none
"""

from typing import NamedTuple

import pandas as pd

from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Leaderboard
from sambench.analysis.tables._schema import NAN, typed
from sambench.analysis.worth import mean_details
from sambench.records import quantities

AXES = ("bin", "share")


class Reliability(NamedTuple):
    """A line of the table."""

    measure: str
    variant: str
    bin: int
    images: float
    confidence: float
    accuracy: float


def table(evidence: Evidence, found: Leaderboard) -> pd.DataFrame:
    """One row per quantity, arm and bin."""
    lines = []
    for quantity in quantities(evidence.header):
        if quantity.axes_named != AXES:
            continue
        for label in (row.label for row in found.rows):
            own = mean_details(evidence, label, quantity)
            for i, (images, confidence, right) in enumerate([] if own is None else own.tolist(), 1):
                shares = (confidence / images, right / images) if images else (NAN, NAN)
                lines.append(Reliability(quantity.name, label, i, images, *shares))
    return typed(lines, Reliability)
