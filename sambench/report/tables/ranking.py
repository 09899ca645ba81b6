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

import base64

import numpy as np
import pandas as pd

from sambench import stats
from sambench.records import Records
from sambench.report.tables._arms import Field, fields
from sambench.report.tables._schema import typed

MIN_SEEDS = 5  # fewer rank nothing

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
    runs = records.complete
    scores = runs.pivot(index="variant", columns="seed", values="test_accuracy")
    correct = _Correct(runs)
    found = [row for field in fields(records) for row in _rank(field, scores, correct)]
    return typed(found, SCHEMA)


def note(records: Records) -> str:
    """What is missing of the two rankings and why, "" if nothing is."""
    return "; ".join(f"{f.ranking}: {f.note}" for f in fields(records) if f.note)


def _rank(field: Field, scores: pd.DataFrame, correct: "_Correct") -> list[dict]:
    if field.baseline is None:
        return []
    own = {
        label: scores.loc[label].to_numpy()
        if label in scores.index
        else np.full(scores.shape[1], np.nan)
        for label in field.labels
    }
    base = own[field.baseline]
    differences = {
        label: found
        for label, x in own.items()
        if label != field.baseline and (found := stats.paired_difference(x, base))
    }
    tests = {x: d.p for x, d in differences.items() if d.n >= MIN_SEEDS and d.p is not None}
    adjusted = dict(zip(tests, stats.holm(list(tests.values())), strict=True))
    ranked = [field.baseline, *adjusted] if adjusted else []
    groups = stats.groups({label: own[label] for label in ranked}) if ranked else {}
    rows = []
    for label, x in own.items():
        row = {"ranking": field.ranking, "variant": label, "group": groups.get(label, ""), "n": 0}
        if interval := stats.mean_interval(x):
            row |= {"mean": interval.mean, "low": interval.low, "high": interval.high}
            row["n"] = interval.n
        if d := differences.get(label):
            row |= {"difference": d.mean, "difference_low": d.low, "difference_high": d.high}
            row |= {"p": d.p, "holm_p": adjusted.get(label)}
            row["detectable"] = _detectable(d, len(tests))
            row["test_set_se"] = correct.standard_error(label, field.baseline)
        rows.append(row)
    return sorted(rows, key=lambda row: _place(row, field.baseline))


def _place(row: dict, baseline: str | None) -> tuple[float, bool, str]:
    return -row["mean"] if row["group"] else 0.0, row["variant"] != baseline, row["variant"]


def _detectable(difference: stats.Difference, num_tests: int) -> float | None:
    """By Holm's first and hardest step, so that no comparison promises too much."""
    if difference.sd is None or difference.n < MIN_SEEDS:
        return None
    alpha = stats.ALPHA / num_tests
    return stats.minimum_detectable_difference(difference.sd, difference.n, alpha)


class _Correct:
    """Which test images each run got right, unpacked a variant at a time."""

    def __init__(self, runs: pd.DataFrame) -> None:
        self._runs = {str(label): own for label, own in runs.groupby("variant", sort=False)}
        self._shares: dict[tuple[str, frozenset[int]], np.ndarray] = {}

    def standard_error(self, label: str, baseline: str) -> float | None:
        """Of the difference of two variants over test images, on the seeds that both have."""
        common = frozenset(self._runs[label]["seed"]) & frozenset(self._runs[baseline]["seed"])
        shares = [self._share(name, common) for name in (label, baseline)]
        if shares[0].shape != shares[1].shape or len(shares[0]) == 0:
            return None
        return stats.image_standard_error(shares[0][None], shares[1][None])

    def _share(self, label: str, seeds: frozenset[int]) -> np.ndarray:
        if (label, seeds) not in self._shares:
            self._shares[label, seeds] = _share_right(self._runs[label], seeds)
        return self._shares[label, seeds]


def _share_right(runs: pd.DataFrame, seeds: frozenset[int]) -> np.ndarray:
    """Share of the runs with these seeds that got an image right, (images,)."""
    runs = runs if len(runs) == len(seeds) else runs.loc[runs["seed"].isin(list(seeds)).to_numpy()]
    total, num = np.zeros(int(runs["num_test"].iloc[0])), len(runs)
    for start in range(0, num, 1000):
        texts = runs["test_correct"].iloc[start : start + 1000].tolist()
        packed = np.frombuffer(b"".join(map(base64.b64decode, texts)), np.uint8)
        bits = np.unpackbits(packed.reshape(len(texts), -1), axis=1, count=len(total))
        total += bits.sum(axis=0)
    return total / num
