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

from collections.abc import Mapping
from typing import Any

import pandas as pd

from sambench import stats
from sambench.analysis.tables._arms import radius, searched, space
from sambench.analysis.tables._schema import typed
from sambench.records import Records

MIN_SEEDS = 3  # for a standard error
NUMBERS = ["best", "low", "high", "decades", "default", "regret_of_default"]
SCHEMA = {
    "variant": "str",
    "radius": "str",
    **dict.fromkeys(NUMBERS, "float64"),
    "trials": "int64",
    "note": "str",
}


def table(records: Records) -> pd.DataFrame:
    """One row per variant whose radius was searched, by name."""
    runs = searched(records, ["lr", "rho", "val_accuracy", "outcome", "hyperparameters"])
    runs = runs.loc[((runs["outcome"] == "complete") & runs["rho"].notna()).to_numpy()]
    errors = _errors(records.complete)
    defaults = records.header.get("defaults", {})
    rows = []
    for label, own in runs.groupby("variant"):
        bounds = space(records, str(label))
        name = radius(own, bounds)
        if name is not None:
            default = defaults.get(str(label), {}).get(name, float("nan"))
            found = _estimate(own, name, bounds, errors.get(str(label)), default)
            rows.append({"variant": label, "radius": name, "default": default, **found})
    return typed(rows, SCHEMA)


def _errors(runs: pd.DataFrame) -> dict[str, float]:
    """Standard error of one run by variant."""
    scores = {str(label): own.dropna() for label, own in runs.groupby("variant")["val_accuracy"]}
    return {
        label: stats.deviation(own.to_numpy())
        for label, own in scores.items()
        if len(own) >= MIN_SEEDS
    }


def _estimate(
    runs: pd.DataFrame,
    name: str,
    bounds: Mapping[str, Mapping[str, Any]],
    error: float | None,
    default: float,
) -> dict[str, Any]:
    ranges = [bounds["lr"], bounds[name]]
    if not all(found.get("log") for found in ranges):
        return {"trials": len(runs), "note": "lr or the radius was not searched in log space"}
    if len(bounds) > 2:
        return {"trials": len(runs), "note": "more than lr and the radius was searched"}
    found = stats.sensitivity(
        runs["lr"].to_numpy(),
        runs["rho"].to_numpy(),
        runs["val_accuracy"].to_numpy(),
        float("nan") if error is None else error,
        (ranges[0]["low"], ranges[0]["high"]),
        (ranges[1]["low"], ranges[1]["high"]),
        default,
    )
    return {**vars(found), "regret_of_default": found.regret}
