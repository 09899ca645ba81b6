"""An arm's random points, the reruns of its best, and what tuning it is worth (rules 2 to 5)."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor

import numpy as np

from sambench import stats
from sambench.analysis import numbers
from sambench.config import Arm
from sambench.stats import RANKED_FROM, Ranking, Score, Tuned


@dataclass(frozen=True)
class Pool:
    """An arm's points in order of their validation score, and its confirmed ranks."""

    arm: Arm
    trials: Fraction
    """k, the points of a search that the budget affords"""
    smallest: int
    """the smallest k at which the confirmed ranks hold all but 1% of the weight"""
    planned: int
    """points that the study asks for"""
    ranking: Ranking
    due: tuple[int, ...]
    """reruns of each confirmed rank that the study asks for"""
    scores: tuple[Fraction | None, ...]
    """the mean test score of each confirmed rank's complete reruns, as `Evidence.scores` turns
    them; None where all diverged"""
    ended: tuple[int, ...]
    """its reruns that are complete or diverged"""
    _known: dict[Score, Tuned | None] = field(default_factory=dict, compare=False, repr=False)

    @property
    def points(self) -> int:
        return len(self.ranking.points)

    @property
    def confirmed(self) -> tuple[int, ...]:
        """The points of the confirmed ranks."""
        return self.ranking.points[: len(self.due)]

    @property
    def is_tested(self) -> bool:
        """Whether each confirmed rank has run again."""
        return bool(self.ended) and all(self.ended)

    def tuned(self, k: Score) -> Tuned | None:
        """None where the pool has too few points or reruns to tell."""
        if k not in self._known:
            self._known[k] = self._tuned(k)
        return self._known[k]

    def _tuned(self, k: Score) -> Tuned | None:
        if not (self.is_tested and 1 <= k and ceil(k) < self.points):
            return None
        if k == floor(k):
            return stats.tuned(self.ranking, self.scores, k)
        low, high = self.tuned(floor(k)), self.tuned(ceil(k))
        return low and high and low.towards(high, k - floor(k))

    def among(self, points: Iterable[int]) -> "Pool":
        """The same of some of its points: its confirmed ranks are those that were."""
        order = np.array(self.ranking.points, np.int64)
        kept = np.isin(order, np.array([*points], np.int64))
        ends = np.cumsum(self.ranking.blocks, dtype=np.int64)
        blocks = np.diff(np.append(0, kept.cumsum())[ends], prepend=0)
        confirmed = np.flatnonzero(kept[: len(self.scores)]).tolist()
        return replace(
            self,
            ranking=Ranking(tuple(order[kept].tolist()), tuple(blocks[blocks > 0].tolist())),
            due=tuple(self.due[rank] for rank in confirmed),
            scores=tuple(self.scores[rank] for rank in confirmed),
            ended=tuple(self.ended[rank] for rank in confirmed),
            _known={},
        )

    @property
    def missing_points(self) -> int:
        """Of those that the study asks for."""
        return max(0, self.planned - self.points)

    @property
    def missing_reruns(self) -> int:
        return int(np.maximum(np.subtract(self.due, self.ended), 0).sum())

    @property
    def why(self) -> str:
        """Why the arm cannot be ranked, "" if it can."""
        if self.trials < RANKED_FROM:
            trials = numbers.setting(float(self.trials))
            return f"only {trials} of the {RANKED_FROM} trials that are needed"
        if self.missing_points:
            return f"its pool has {self.points} of {self.planned} points"
        if not self.ranking.survivors:
            return "all points of its pool diverged"
        if ceil(self.trials) >= self.points:
            return (
                f"a search would take {numbers.setting(float(self.trials))} of {self.points} points"
            )
        if self.missing_reruns:
            return f"{self.missing_reruns} of {sum(self.due)} reruns of its best points are missing"
        return "" if self.tuned(self.trials) else "too many of its reruns diverged"

    @property
    def no_survivor(self) -> float:
        """The chance that all points of a search diverge."""
        k = floor(self.trials)
        return float(self.ranking.all_diverge(k)) if 1 <= k <= self.points else 0.0
