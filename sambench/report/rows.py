"""One row of a leaderboard per variant: what was found, as numbers."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sambench import stats
from sambench.report.runs import Runs, baseline
from sambench.stats import Difference, Interval

MIN_SEEDS = 5  # fewer rank nothing
EDGE = 0.1  # an optimum in the outer tenth of its search range may lie outside it


@dataclass(frozen=True)
class Edge:
    """A tuned value that ended near a bound of its search range."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Settings:
    """The configuration that tuning chose and the confirm runs used."""

    lr: float
    rho: float | None
    hyperparameters: dict[str, Any]
    epochs: int
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Cost:
    """What one confirm run took; ratios are to the baseline."""

    gradient_evaluations: float
    ratio: float | None
    step_time: float | None  # ratio; None where devices or thread counts differ


@dataclass(frozen=True)
class Comparison:
    """A variant minus the baseline, paired by seed."""

    difference: Difference
    holm_p: float | None  # None below MIN_SEEDS
    detectable: float | None  # smallest true difference found with 80% power, after Holm
    test_set_error: float | None  # standard error of the difference over test images


@dataclass(frozen=True)
class Row:
    """One variant; None where there is nothing to tell."""

    label: str
    key: str
    is_baseline: bool
    group: str  # letters shared by variants that are not separated, "" if not ranked
    accuracy: Interval | None  # on the test set, over the complete confirm runs
    against: Comparison | None  # None for the baseline itself
    settings: Settings | None
    cost: Cost | None
    runs: dict[str, int]  # outcome -> number, all stages
    confirm: dict[str, int]  # outcome -> number, confirm runs


def build(variants: Sequence[Runs], spaces: Mapping[str, Mapping[str, Any]]) -> tuple[Row, ...]:
    """Ranked rows by mean accuracy, then those with too few seeds: the baseline, others by name."""
    plain = baseline(variants)
    seeds = sorted({int(seed) for runs in variants for seed in runs.results.index})
    scores = {runs.label: runs.scores(seeds) for runs in variants}
    against = _comparisons(plain, variants, seeds) if plain else {}
    ranked = [label for label, found in against.items() if found.holm_p is not None]
    groups = (
        stats.groups({x: scores[x] for x in [plain.label, *ranked]}) if plain and ranked else {}
    )
    rows = [
        Row(
            label=runs.label,
            key=runs.key,
            is_baseline=runs is plain,
            group=groups.get(runs.label, ""),
            accuracy=stats.mean_interval(scores[runs.label]),
            against=against.get(runs.label),
            settings=_settings(runs, spaces.get(runs.label, {})),
            cost=_cost(runs, plain),
            runs=runs.outcomes,
            confirm=runs.confirmed,
        )
        for runs in variants
    ]
    return tuple(sorted(rows, key=_rank))


def _rank(row: Row) -> tuple[float, bool, str]:
    mean = row.accuracy.mean if row.accuracy and row.group else 0.0
    return -mean, not row.is_baseline, row.label


def _comparisons(
    plain: Runs, variants: Sequence[Runs], seeds: Sequence[int]
) -> dict[str, Comparison]:
    differences: dict[str, Difference] = {}
    for runs in variants:
        found = stats.paired_difference(runs.scores(seeds), plain.scores(seeds))
        if runs is not plain and found:
            differences[runs.label] = found
    tests = {x: d.p for x, d in differences.items() if d.n >= MIN_SEEDS and d.p is not None}
    adjusted = dict(zip(tests, stats.holm(list(tests.values())), strict=True))
    return {
        runs.label: Comparison(
            difference=differences[runs.label],
            holm_p=adjusted.get(runs.label),
            detectable=_detectable(differences[runs.label], len(tests)),
            test_set_error=_test_set_error(runs, plain),
        )
        for runs in variants
        if runs.label in differences
    }


def _detectable(difference: Difference, num_tests: int) -> float | None:
    """By Holm's first and hardest step, so that no comparison promises too much."""
    if difference.sd is None or difference.n < MIN_SEEDS:
        return None
    alpha = stats.ALPHA / num_tests
    return stats.minimum_detectable_difference(difference.sd, difference.n, alpha)


def _test_set_error(runs: Runs, plain: Runs) -> float | None:
    common = runs.results.index.intersection(plain.results.index)
    a, b = runs.correct(common), plain.correct(common)
    if a is None or b is None or a.shape != b.shape:
        return None
    return stats.image_standard_error(a, b)


def _settings(runs: Runs, space: Mapping[str, Any]) -> Settings | None:
    run = runs.first
    if run is None:
        return None
    hyperparameters = json.loads(run.hyperparameters)
    values = {**hyperparameters, "lr": run.lr}
    found = [_edge(name, values.get(name), bounds) for name, bounds in space.items()]
    edges = tuple(edge for edge in found if edge)
    return Settings(run.lr, run.rho, hyperparameters, run.epochs, edges)


def _edge(name: str, value: float | None, bounds: Mapping[str, Any]) -> Edge | None:
    low, high = bounds.get("low"), bounds.get("high")
    if value is None or low is None or high is None or low == high:
        return None
    scale = math.log if bounds.get("log") else float
    place = (scale(value) - scale(low)) / (scale(high) - scale(low))
    return None if EDGE < place < 1 - EDGE else Edge(name, value, low, high)


def _cost(runs: Runs, plain: Runs | None) -> Cost | None:
    count = runs.gradient_evaluations
    if count is None:
        return None
    base = plain.gradient_evaluations if plain else None
    return Cost(count, count / base if base else None, _step_time(runs, plain))


def _step_time(runs: Runs, plain: Runs | None) -> float | None:
    if plain is None or len(runs.machines | plain.machines) != 1:
        return None
    own, base = runs.step_time_s, plain.step_time_s
    return own / base if own and base else None
