"""One row of a leaderboard per variant: what was found, as numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sambench import records
from sambench.analysis.comparison import Comparison, Standing
from sambench.analysis.runs import Runs
from sambench.analysis.tables import Range, Spaces
from sambench.stats import Interval

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
    hyperparameters: dict[str, float | str]
    epochs: int
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Cost:
    """What one confirm run took; ratios are to the baseline."""

    gradient_evaluations: float
    ratio: float | None
    step_time: float | None  # ratio; None where devices or thread counts differ


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


def build(
    standings: Sequence[Standing],
    variants: Mapping[str, Runs],
    spaces: Mapping[str, Spaces],
) -> tuple[Row, ...]:
    """A row for each standing, in their order; `variants` and `spaces` by label."""
    plain = next((variants[s.label] for s in standings if s.is_baseline), None)
    return tuple(
        Row(
            label=standing.label,
            key=variants[standing.label].key,
            is_baseline=standing.is_baseline,
            group=standing.group,
            accuracy=standing.accuracy,
            against=standing.against,
            settings=_settings(variants[standing.label], spaces.get(standing.label, {})),
            cost=_cost(variants[standing.label], plain),
            runs=variants[standing.label].outcomes,
            confirm=variants[standing.label].confirmed,
        )
        for standing in standings
    )


def _settings(runs: Runs, spaces: Spaces) -> Settings | None:
    run = runs.first
    if run is None:
        return None
    hyperparameters = records.hyperparameters(run.hyperparameters)
    values = {**hyperparameters, "lr": run.lr}
    found = [_edge(name, values.get(name), bounds) for name, bounds in spaces.items()]
    edges = tuple(edge for edge in found if edge)
    return Settings(run.lr, run.rho, hyperparameters, run.epochs, edges)


def _edge(name: str, value: float | str | None, bounds: Range) -> Edge | None:
    low, high = bounds.get("low"), bounds.get("high")
    if not isinstance(value, int | float) or low is None or high is None or low == high:
        return None
    scale = math.log if bounds.get("log") else float
    place = round((scale(value) - scale(low)) / (scale(high) - scale(low)), 9)
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
