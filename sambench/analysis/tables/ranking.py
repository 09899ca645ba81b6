"""The ranking at the study's budget, an arm a line, and every arm's lead over each plain.

ranking:
    variant      label; the ranked ones first, the best of them first
    group        letters: ranked arms that share one are not separated; "" if not ranked
    why          why it is not ranked, "" if it is
    length, epochs   of its schedule, in units of `train.epochs` and in epochs
    trials       k, the points that the budget affords
    score, low, high   tuned(k), of fixed settings the mean over seeds, and its own 95% interval
    inner        tuned(k) from the inner 80% of each range
    plain        the best ranked arm of the baseline
    difference, difference_low, difference_high   minus that, with its own 95% interval; NaN for
                 arms of the baseline
    beats, wins  Holm's p of "does not beat every plain", one-sided; whether it is low enough
    detectable   true lead, > 0, over the best plain that such a study finds with 80% power
    test_set_se  standard error of that lead over test items
    points, diverged_points, no_survivor   of the pool; chance that a search of k has no survivor
    reruns, diverged_reruns, diverged_low, diverged_high   of confirm runs; exact 95% interval of
                 the share that diverged
differences:
    variant, plain, difference, low, high, p   minus each arm of the baseline; p one-sided
"""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from sambench.analysis.findings import Estimate, Leaderboard, Row
from sambench.analysis.tables._schema import NAN, typed


class RankedArm(NamedTuple):
    """A line of the ranking."""

    variant: str
    group: str
    why: str
    length: float
    epochs: int
    trials: float
    score: float
    low: float
    high: float
    inner: float
    plain: str
    difference: float
    difference_low: float
    difference_high: float
    beats: float
    wins: bool
    detectable: float
    test_set_se: float
    points: int
    diverged_points: int
    no_survivor: float
    reruns: int
    diverged_reruns: int
    diverged_low: float
    diverged_high: float


class Difference(NamedTuple):
    """A line of the differences."""

    variant: str
    plain: str
    difference: float
    low: float
    high: float
    p: float


def table(found: Leaderboard) -> pd.DataFrame:
    """One row per arm."""
    plain = next((row.label for row in found.rows if row.is_baseline and row.group), "")
    return typed([_line(row, plain) for row in found.rows], RankedArm)


def differences(found: Leaderboard) -> pd.DataFrame:
    """One row per arm and arm of the baseline."""
    return typed(_differences(found), Difference)


def _differences(found: Leaderboard) -> Iterator[Difference]:
    for row in found.rows:
        for lead in row.against:
            yield Difference(row.label, lead.label, *_cells(lead.difference), lead.p)


def _line(row: Row, plain: str) -> RankedArm:
    lead = next((own.difference for own in row.against if own.label == plain), None)
    return RankedArm(
        row.label,
        row.group,
        row.why,
        row.length,
        row.epochs,
        row.trials,
        *_cells(row.score),
        _cells(row.inner)[0],
        plain,
        *_cells(lead),
        _known(row.beats),
        row.wins,
        _known(row.detectable),
        _known(row.test_set_error),
        row.points,
        row.diverged_points,
        row.no_survivor,
        row.reruns,
        row.diverged_reruns,
        *row.diverged_share,
    )


def _cells(found: Estimate | None) -> tuple[float, float, float]:
    if found is None:
        return NAN, NAN, NAN
    return found.value, _known(found.low), _known(found.high)


def _known(value: float | None) -> float:
    return NAN if value is None else value
