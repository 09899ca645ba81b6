"""Tuning curves: what an arm is worth when it is tuned with less than the study's budget.

    trials       k: whole ones from the smallest for which enough ranks are confirmed, and what the
                 budget affords
    evaluations  what they cost, in full runs of the baseline
    score        tuned(k)
    low, high    its own 95% interval, cut where scores end, as all of theirs
    band_low, band_high   of a band that holds all curves of the study together with 95%; NaN in
                 records that keep no width of it

Arms that cannot be ranked have no curve.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from sambench.analysis.bands import kept
from sambench.analysis.contest import scored
from sambench.analysis.curves import curves
from sambench.analysis.evidence import Evidence
from sambench.analysis.tables._schema import NAN, typed


class TuningPoint(NamedTuple):
    """A line of the table."""

    variant: str
    trials: float
    evaluations: float
    score: float
    low: float
    high: float
    band_low: float
    band_high: float


def table(evidence: Evidence) -> pd.DataFrame:
    """One row per arm and number of trials."""
    return typed(_points(evidence), TuningPoint)


def _points(evidence: Evidence) -> Iterator[TuningPoint]:
    bands, searches = kept(evidence), evidence.size.searches
    least, most = evidence.score.bounds
    for label, curve in curves(evidence).items():
        for k, tuned in curve.items():
            found = scored(tuned, searches, evidence.score)
            half = bands.curves * tuned.error if bands else NAN
            yield TuningPoint(
                variant=label,
                trials=float(k),
                evaluations=float(k * evidence.cost(label)),
                score=found.value,
                low=NAN if found.low is None else found.low,
                high=NAN if found.high is None else found.high,
                band_low=max(found.value - half, least),
                band_high=min(found.value + half, most),
            )
