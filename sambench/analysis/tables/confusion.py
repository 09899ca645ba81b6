"""What items of each class were taken for, a quantity, arm and pair of classes a line.

measure, variant          name of the quantity, label
true_class, predicted_class   numbers of the classes, from 0
share                     of the items of the true class, weighed as the score is
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Leaderboard
from sambench.analysis.tables._schema import NAN, typed
from sambench.analysis.worth import mean_details
from sambench.records import quantities

AXES = ("true class", "predicted class")


class Confused(NamedTuple):
    """A line of the table."""

    measure: str
    variant: str
    true_class: int
    predicted_class: int
    share: float


def table(evidence: Evidence, found: Leaderboard) -> pd.DataFrame:
    """One row per quantity, arm and pair of classes."""
    lines = []
    for quantity in quantities(evidence.header):
        if quantity.axes_named != AXES:
            continue
        for label in (row.label for row in found.rows):
            own = mean_details(evidence, label, quantity)
            for at in np.ndindex(own.shape) if own is not None else ():
                images = float(own[at[0]].sum()) if own is not None else 0.0
                share = float(own[at]) / images if own is not None and images else NAN
                lines.append(Confused(quantity.name, label, at[0], at[1], share))
    return typed(lines, Confused)
