"""How variants stand to a baseline: paired by seed, adjusted for their number, ordered."""

import base64
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sambench import stats
from sambench.stats import Difference, Interval

MIN_SEEDS = 5  # fewer rank nothing
CHUNK = 1000  # runs whose test images are unpacked at a time


@dataclass(frozen=True)
class Comparison:
    """A variant minus the baseline, paired by seed."""

    difference: Difference
    holm_p: float | None  # None below MIN_SEEDS
    detectable: float | None  # smallest true difference found with 80% power, after Holm
    test_set_error: float | None  # standard error of the difference over test images


@dataclass(frozen=True)
class Standing:
    """One variant; None where there is nothing to tell."""

    label: str
    is_baseline: bool
    group: str  # letters shared by variants that are not separated, "" if not ranked
    accuracy: Interval | None  # on the test set, over the complete confirm runs
    against: Comparison | None  # None for the baseline itself


def compare(runs: pd.DataFrame, labels: Collection[str], baseline: str | None) -> list[Standing]:
    """Ranked ones by mean accuracy, then those with too few seeds: the baseline, others by name.

    runs: complete confirm runs, one per variant and seed
    """
    table = runs.pivot(index="variant", columns="seed", values="test_accuracy")
    table.index = table.index.astype("str")
    scores = dict(zip(labels, table.reindex(list(labels)).to_numpy(), strict=True))
    against = {} if baseline is None else _comparisons(runs, scores, baseline)
    ranked = [label for label, found in against.items() if found.holm_p is not None]
    ranked = [baseline, *ranked] if baseline is not None and ranked else []
    groups = stats.groups({label: scores[label] for label in ranked}) if ranked else {}
    found = [
        Standing(
            label=label,
            is_baseline=label == baseline,
            group=groups.get(label, ""),
            accuracy=stats.mean_interval(own),
            against=against.get(label),
        )
        for label, own in scores.items()
    ]
    return sorted(found, key=_place)


def _place(standing: Standing) -> tuple[float, bool, str]:
    mean = standing.accuracy.mean if standing.accuracy and standing.group else 0.0
    return -mean, not standing.is_baseline, standing.label


def _comparisons(
    runs: pd.DataFrame, scores: dict[str, np.ndarray], baseline: str
) -> dict[str, Comparison]:
    differences = {
        label: found
        for label, own in scores.items()
        if label != baseline and (found := stats.paired_difference(own, scores[baseline]))
    }
    tests = {x: d.p for x, d in differences.items() if d.n >= MIN_SEEDS and d.p is not None}
    adjusted = dict(zip(tests, stats.holm(list(tests.values())), strict=True))
    images = _Images(runs)
    return {
        label: Comparison(
            difference=difference,
            holm_p=adjusted.get(label),
            detectable=_detectable(difference, len(tests)),
            test_set_error=images.standard_error(label, baseline),
        )
        for label, difference in differences.items()
    }


def _detectable(difference: Difference, num_tests: int) -> float | None:
    """By Holm's first and hardest step, so that no comparison promises too much."""
    if difference.sd is None or difference.n < MIN_SEEDS:
        return None
    alpha = stats.ALPHA / num_tests
    return stats.minimum_detectable_difference(difference.sd, difference.n, alpha)


class _Images:
    """Which test images the runs got right, unpacked a variant at a time."""

    def __init__(self, runs: pd.DataFrame) -> None:
        columns = ["seed", "num_test", "test_correct"]
        groups = runs.groupby("variant")
        self._runs = {str(label): own.loc[:, columns] for label, own in groups}
        self._shares: dict[tuple[str, frozenset[int]], np.ndarray | None] = {}

    def standard_error(self, label: str, baseline: str) -> float | None:
        """Of the difference of two variants over test images, on the seeds that both have."""
        common = frozenset(self._runs[label]["seed"]) & frozenset(self._runs[baseline]["seed"])
        a, b = (self._share(name, common) for name in (label, baseline))
        if a is None or b is None or a.shape != b.shape:
            return None
        return stats.image_standard_error(a[None], b[None])

    def _share(self, label: str, seeds: frozenset[int]) -> np.ndarray | None:
        if (label, seeds) not in self._shares:
            self._shares[label, seeds] = _share_right(self._runs[label], seeds)
        return self._shares[label, seeds]


def _share_right(runs: pd.DataFrame, seeds: frozenset[int]) -> np.ndarray | None:
    """Share of the runs with these seeds that got an image right, (images,).

    None if a run does not tell, or their test sets differ in size.
    """
    if len(runs) > len(seeds):
        runs = runs.loc[runs["seed"].isin(list(seeds)).to_numpy()]
    sizes, texts = runs["num_test"].unique(), runs["test_correct"].tolist()
    if len(sizes) != 1 or not all(texts):
        return None
    total = np.zeros(int(sizes[0]))
    for start in range(0, len(texts), CHUNK):
        some = texts[start : start + CHUNK]
        packed = np.frombuffer(b"".join(map(base64.b64decode, some)), np.uint8)
        total += np.unpackbits(packed.reshape(len(some), -1), axis=1, count=len(total)).sum(axis=0)
    return total / len(texts)
