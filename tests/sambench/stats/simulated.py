"""Made-up studies at the noise of digits with 40% wrong labels: pools, reruns, and the truth."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sambench.stats.ranking import Ranking
from sambench.stats.tuned import Tuned, tuned

IMAGES = 400
"""of the validation set"""


@dataclass(frozen=True)
class Arm:
    """A surface over (lr, radius), and how noisy its runs are."""

    k: int
    gain: float = 0.0
    """added to every score"""
    turn: float = 0.0
    """moves the surface along lr, so that arms of one shape do not win at the same points"""
    test_sd: float = 0.016
    diverging: float = 0.0
    """share of the points, those of the largest lr"""


def quality(arm: Arm, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """What a setting is worth: bad for small lr, flat beyond, and a ridge along the radius."""
    x = (u + arm.turn) % 1
    return 0.905 + arm.gain - 0.35 * np.maximum(0, 0.35 - x) - 0.04 * (v - 0.6 - 0.2 * x) ** 2


def runs(
    rng: np.random.Generator, arm: Arm, u: np.ndarray, v: np.ndarray, shared: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Validation and test scores of one run of each setting; `shared` noise is the point's."""
    own = quality(arm, u, v) + 0.008 * shared + arm.test_sd * 0.87 * rng.normal(size=u.shape)
    share = np.clip(0.08 + 0.55 * own + 0.008 * shared, 0, 1)
    return rng.binomial(IMAGES, share) / IMAGES, own


@lru_cache(maxsize=64)
def truth(arm: Arm) -> float:
    """tuned(k) over 100,000 searches."""
    rng = np.random.default_rng(0)
    total = count = 0.0
    for _ in range(5):
        u, v = rng.random((2, 20_000, arm.k))
        shared = rng.normal(size=u.shape)
        validation, _ = runs(rng, arm, u, v, shared)
        validation = np.where(u > 1 - arm.diverging, -1, validation + 1e-6 * rng.random(u.shape))
        best = validation.argmax(axis=1)[:, None]
        alive = np.take_along_axis(validation, best, 1) >= 0
        worth = np.take_along_axis(quality(arm, u, v), best, 1)
        total, count = total + worth[alive].sum(), count + alive.sum()
    return float(total / count)


def study(rng: np.random.Generator, arms: dict[str, Arm], searches: int) -> dict[str, Tuned]:
    """Pools at the same points, and the best settings of each retrained on fresh noise."""
    most = max(arm.k for arm in arms.values()) * searches
    u, v, shared = rng.random(most), rng.random(most), rng.normal(size=most)
    again = rng.normal(size=(most, 40))
    smallest = min(arm.k for arm in arms.values())
    found = {}
    for label, arm in arms.items():
        n = arm.k * searches
        validation, _ = runs(rng, arm, u[:n], v[:n], shared[:n])
        dead = u[:n] > 1 - arm.diverging
        scores = [None if d else s for s, d in zip(validation.tolist(), dead, strict=True)]
        ranking = Ranking.of(dict(enumerate(scores)))
        tests = []
        for point, times in zip(
            ranking.points, ranking.reruns(arm.k, searches, smallest), strict=False
        ):
            at = np.full(times, u[point]), np.full(times, v[point])
            tests.append(float(runs(rng, arm, *at, again[point, :times])[1].mean()))
        result = tuned(ranking, tests, arm.k)
        assert result is not None
        found[label] = result
    return found
