"""Who beats whom among the arms that are ranked (rule 7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from sambench.analysis.findings import Against, Estimate, Size
from sambench.scores import Score
from sambench.stats import Contrast, Recommendation, Searches, Tuned, claims, student


@dataclass(frozen=True)
class Contest:
    """What each ranked arm scores, and how sure that is."""

    arms: Mapping[str, Tuned]
    """by label, of scores of which more is better: `Evidence.scores`"""
    baselines: tuple[str, ...]
    """those of them that are the baseline's"""
    costs: Mapping[str, Fraction]
    """of one run, in full runs of the baseline"""
    searches: Searches
    """that the pools are as large as: as `stats.searches` says of paired seeds"""
    size: Size
    score: Score

    @cached_property
    def order(self) -> list[str]:
        """The best first."""
        return sorted(self.arms, key=lambda label: (-self.arms[label].score, label))

    @cached_property
    def rivals(self) -> list[str]:
        """All but the baseline's, the best first."""
        return [label for label in self.order if label not in self.baselines]

    @cached_property
    def best_plain(self) -> str:
        """The baseline's best arm."""
        return next(label for label in self.order if label in self.baselines)

    def contrast(self, a: str, b: str) -> Contrast:
        return claims.contrast(self.arms[a], self.arms[b], self.searches)

    def against(self, label: str) -> tuple[Against, ...]:
        """A rival minus each arm of the baseline."""
        if label in self.baselines:
            return ()
        found = {base: self.contrast(label, base) for base in self.baselines}
        return tuple(
            Against(base, difference(c, self.score), c.p_above) for base, c in found.items()
        )

    @cached_property
    def beats(self) -> dict[str, float]:
        """Holm's p of "does not beat every arm of the baseline", of each rival."""
        if not self.baselines:
            return {}
        return claims.beats(self.arms, self.baselines, self.searches)

    @cached_property
    def winners(self) -> list[str]:
        """The best first."""
        return [x for x in self.rivals if x in self.beats and self.beats[x] < self.size.alpha / 2]

    @cached_property
    def groups(self) -> dict[str, str]:
        """Letters by label."""
        return claims.groups(self.arms, self.searches, self.size.alpha)

    def is_separated(self, a: str, b: str) -> bool:
        return not set(self.groups[a]) & set(self.groups[b])

    @property
    def worse(self) -> list[str]:
        """Rivals that are separated from the best plain, and below it."""
        best = self.best_plain
        below = [x for x in self.rivals if self.arms[x].score < self.arms[best].score]
        return [x for x in below if self.is_separated(x, best)]

    def detectable(self, label: str) -> float | None:
        """Lead of a rival over the best plain that such a study finds with 80% power."""
        if label in self.baselines or not self.baselines:
            return None
        error = self.contrast(label, self.best_plain).error
        if not error:  # a tie by rule 7; nothing is known of its luck
            return None
        return claims.detectable(error, self.searches, len(self.rivals), self.size.alpha)

    def exceeds(self, a: str, b: str) -> float:
        """The most by which a may exceed b, as the recommendation counts it."""
        found = self.contrast(a, b)
        return found.difference + student.exceeded(self.size.alpha / 2, found.freedom) * found.error

    @cached_property
    def recommendation(self) -> Recommendation:
        margin = self.size.margin / self.score.scale
        return claims.recommend(self.arms, self.costs, self.searches, margin, self.size.alpha)


def estimate(
    tuned: Tuned, searches: Searches, bounds: tuple[float, float] = (0.0, 1.0), sign: int = 1
) -> Estimate:
    """A score and its t interval, cut at its bounds; without searches to estimate an error none.

    sign: of a score that was turned for comparison
    """
    freedom, score = claims.freedom(searches), sign * float(tuned.score) + 0.0  # no -0.0
    if freedom < 1:
        return Estimate(score)
    half = student.exceeded(claims.ALPHA / 2, freedom) * tuned.error
    return Estimate(score, max(score - half, bounds[0]), min(score + half, bounds[1]))


def scored(tuned: Tuned, searches: Searches, score: Score) -> Estimate:
    """The same of what a study goes by, of which more is better while arms are compared."""
    return estimate(tuned, searches, score.bounds, score.sign)


def difference(contrast: Contrast, score: Score) -> Estimate:
    """In the score's own direction."""
    return Estimate(contrast.difference, *contrast.interval).turned(score.sign)
