"""How finely a variant's radius must be tuned, and what its paper's default costs.

    radius       name of the searched hyperparameter that records call rho
    best         radius of the highest expected validation accuracy, each at its own best lr
    low, high    around it, within one standard error of the best; cut at the searched range
    decades      log10(high / low)
    default      the paper's, NaN in records that do not hold it
    regret_of_default   validation accuracy lost at the default, in [0, 1]; NaN outside the range
    trials       complete search runs that the estimate rests on
    note         why a number is missing: "too few trials: 16 are needed" for any, 32 for the width

The standard error is that of one run: the sd of the winner's validation accuracy over confirm seeds
(3 or more). `sambench.stats.radius` has the estimator, a smooth surface over (lr, radius).
"""

from typing import NamedTuple

import pandas as pd

from sambench import stats
from sambench.analysis.tables._schema import NAN, typed
from sambench.analysis.tables._searched import Range, Spaces, radius, searched, spaces_of
from sambench.records import Records
from sambench.stats import Sensitivity

MIN_SEEDS = 3  # for a standard error


class RadiusEstimate(NamedTuple):
    """A line of the table."""

    variant: str
    radius: str
    best: float
    low: float
    high: float
    decades: float
    default: float
    regret_of_default: float
    trials: int
    note: str


def table(records: Records) -> pd.DataFrame:
    """One row per variant whose radius was searched, by name."""
    runs = searched(records, ["lr", "rho", "val_accuracy", "outcome", "hyperparameters"])
    runs = runs.loc[((runs["outcome"] == "complete") & runs["rho"].notna()).to_numpy()]
    errors = _errors(records.complete)
    defaults = records.header.get("defaults", {})
    found = []
    for label, own in runs.groupby("variant"):
        label = str(label)
        spaces = spaces_of(records, label)
        if name := radius(own, spaces):
            default = defaults.get(label, {}).get(name, NAN)
            estimate = _estimate(own, name, spaces, errors.get(label, NAN), default)
            found.append(_row(label, name, default, estimate))
    return typed(found, RadiusEstimate)


def _row(label: str, name: str, default: float, found: Sensitivity) -> RadiusEstimate:
    width = found.low, found.high, found.decades
    return RadiusEstimate(
        label, name, found.best, *width, default, found.regret, found.trials, found.note
    )


def _errors(runs: pd.DataFrame) -> dict[str, float]:
    """Standard error of one run by variant."""
    scores = {str(label): own.dropna() for label, own in runs.groupby("variant")["val_accuracy"]}
    return {
        label: stats.deviation(own.to_numpy())
        for label, own in scores.items()
        if len(own) >= MIN_SEEDS
    }


def _estimate(
    runs: pd.DataFrame, name: str, spaces: Spaces, error: float, default: float
) -> Sensitivity:
    lr, radii = _log_bounds(spaces["lr"]), _log_bounds(spaces[name])
    if lr is None or radii is None:
        note = "lr or the radius was not searched in log space"
        return Sensitivity(trials=len(runs), note=note)
    if len(spaces) > 2:
        return Sensitivity(trials=len(runs), note="more than lr and the radius was searched")
    tried, tried_radii, scores = (
        runs[column].to_numpy() for column in ("lr", "rho", "val_accuracy")
    )
    return stats.sensitivity(tried, tried_radii, scores, error, lr, radii, default)


def _log_bounds(space: Range) -> tuple[float, float] | None:
    low, high = space.get("low"), space.get("high")
    return (low, high) if space.get("log") and low is not None and high is not None else None
