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


def trained(
    arm: Arm, u: np.ndarray, v: np.ndarray, shared: np.ndarray, own: np.ndarray
) -> np.ndarray:
    """Test scores of one run of each setting: noise of the point's, and of its own."""
    return quality(arm, u, v) + 0.008 * shared + arm.test_sd * 0.87 * own


def validated(rng: np.random.Generator, score: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """The validation scores of those runs, on noisy labels."""
    return rng.binomial(IMAGES, np.clip(0.08 + 0.55 * score + 0.008 * shared, 0, 1)) / IMAGES


@lru_cache(maxsize=64)
def truth(arm: Arm) -> float:
    """tuned(k) over 100,000 searches."""
    rng = np.random.default_rng(0)
    total = count = 0.0
    for _ in range(5):
        u, v = rng.random((2, 20_000, arm.k))
        shared, own = rng.normal(size=(2, *u.shape))
        validation = validated(rng, trained(arm, u, v, shared, own), shared)
        validation = np.where(u > 1 - arm.diverging, -1, validation + 1e-6 * rng.random(u.shape))
        best = validation.argmax(axis=1)[:, None]
        alive = np.take_along_axis(validation, best, 1) >= 0
        worth = np.take_along_axis(quality(arm, u, v), best, 1)
        total, count = total + worth[alive].sum(), count + alive.sum()
    return float(total / count)


def study(number: tuple[int, int], arms: dict[str, Arm], searches: int) -> dict[str, Tuned]:
    """Pools at the same points, and the best settings of each retrained on fresh noise.

    Every point and rerun has noise of its own, a function of `number`: with more searches the pools
    of the same study go on.
    """

    def stream(*path: int) -> np.random.Generator:
        return np.random.default_rng([*number, *path])

    most = max(arm.k for arm in arms.values()) * searches
    smallest = min(arm.k for arm in arms.values())
    u, v = stream(0).random((most, 2)).T
    shared = stream(1).normal(size=most)
    found = {}
    for place, (label, arm) in enumerate(arms.items()):
        n = arm.k * searches
        own = stream(2, place).normal(size=n)
        scored = trained(arm, u[:n], v[:n], shared[:n], own)
        validation = validated(stream(3, place), scored, shared[:n])
        dead = u[:n] > 1 - arm.diverging
        scores = [None if d else s for s, d in zip(validation.tolist(), dead, strict=True)]
        ranking = Ranking.of(dict(enumerate(scores)))
        tests = []
        again = ranking.reruns(arm.k, searches, smallest)
        for point, times in zip(ranking.points, again, strict=False):
            at = np.full(times, u[point]), np.full(times, v[point])
            theirs = stream(4, point).normal(size=times)  # of all arms
            own = stream(5, place, point).normal(size=times)
            tests.append(float(trained(arm, *at, theirs, own).mean()))
        result = tuned(ranking, tests, arm.k)
        assert result is not None
        found[label] = result
    return found
