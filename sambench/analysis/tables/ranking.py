"""The ranking, twice: against the baseline of equal compute (the headline) and of equal epochs.

ranking      "equal-compute": the baseline tuned its schedule length, so it may spend as much as
             the others; "equal-epochs": it ran the study's epochs, like them. A study without
             such a baseline has no rows here, and `note` says why.
variant      label; the ranked ones first, by mean accuracy
group        letters: ranked variants that share one are not separated; "" if not ranked
mean, low, high   test accuracy in [0, 1] and its 95% t interval over seeds
n            complete confirm runs
difference, difference_low, difference_high   minus the baseline, paired by seed, in [-1, 1],
             with its unadjusted 95% t interval; NaN for the baseline itself
p, holm_p    two-sided paired t; adjusted over the ranking's variants (5 or more shared seeds)
detectable   true difference found with 80% power at Holm's first step
test_set_se  standard error of the difference over test images
"""

from typing import Any

import pandas as pd

from sambench.analysis.comparison import Standing, compare
from sambench.analysis.tables._arms import Field, fields
from sambench.analysis.tables._schema import typed
from sambench.records import Records

SCHEMA = {
    "ranking": "str",
    "variant": "str",
    "group": "str",
    **dict.fromkeys(["mean", "low", "high"], "float64"),
    "n": "int64",
    **dict.fromkeys(["difference", "difference_low", "difference_high"], "float64"),
    **dict.fromkeys(["p", "holm_p", "detectable", "test_set_se"], "float64"),
}


def table(records: Records) -> pd.DataFrame:
    """One row per ranking and variant."""
    found = [_row(field, own) for field in fields(records) for own in _standings(records, field)]
    return typed(found, SCHEMA)


def note(records: Records) -> str:
    """What is missing of the two rankings and why, "" if nothing is."""
    return "; ".join(f"{f.ranking}: {f.note}" for f in fields(records) if f.note)


def _standings(records: Records, field: Field) -> list[Standing]:
    return compare(records.complete, field.labels, field.baseline) if field.baseline else []


def _row(field: Field, standing: Standing) -> dict[str, Any]:
    row: dict[str, Any] = {
        "ranking": field.ranking,
        "variant": standing.label,
        "group": standing.group,
        "n": 0,
    }
    if own := standing.accuracy:
        row |= {"mean": own.mean, "low": own.low, "high": own.high, "n": own.n}
    if found := standing.against:
        d = found.difference
        row |= {"difference": d.mean, "difference_low": d.low, "difference_high": d.high}
        row |= {"p": d.p, "holm_p": found.holm_p, "detectable": found.detectable}
        row |= {"test_set_se": found.test_set_error}
    return row
