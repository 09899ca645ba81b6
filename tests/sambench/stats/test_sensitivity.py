"""The width of a good radius and the regret of a default, on surfaces whose truth is known."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import qmc

from sambench import stats
from sambench.stats.radius import MIN_TRIALS, upper_half, within

LR, RHO, DEFAULT, ERROR = (1e-3, 1.0), (0.01, 0.5), 0.05, 0.01
Surface = Callable[[np.ndarray, np.ndarray], np.ndarray]


def surface(rng: np.random.Generator) -> Surface:
    """A made-up study: a best lr and radius, a slow left and a steep right, a cliff to 10%."""
    lr, width, depth, tilt = (
        rng.uniform(*r) for r in ((-2.2, -0.7), (0.5, 1.2), (0.06, 0.3), (-0.4, 0.1))
    )
    rho, left, right, cliff = (
        rng.uniform(*r) for r in ((-2, -0.3), (0, 0.09), (0.02, 0.15), (-1.5, 0.3))
    )

    def accuracy(log_lr: np.ndarray, log_rho: np.ndarray) -> np.ndarray:
        off = (log_lr - lr - tilt * (log_rho + 1.2)) / width
        below, above = np.clip(rho - log_rho, 0, None), np.clip(log_rho - rho, 0, None)
        y = 0.9 - depth * (1 - np.exp(-(off**2) / 2)) - left * (1 - np.exp(-2 * below**2))
        fallen = 1 / (1 + np.exp(-(log_lr + 0.7 * log_rho - cliff) / 0.08))
        return (y - right * above**2) * (1 - fallen) + 0.1 * fallen

    return accuracy


def truth(found: Surface) -> tuple[float, float]:
    """Width in decades and regret of the default."""
    lr, rho = np.log10(np.geomspace(*LR, 121)), np.log10(np.geomspace(*RHO, 201))
    profile = found(lr[:, None], rho[None]).max(axis=0)
    _, low, high = within(profile, ERROR)
    at = float(np.interp(np.log10(DEFAULT), rho, profile))
    return float(rho[high] - rho[low]), float(profile.max()) - at


def estimate(found: Surface, num: int, rng: np.random.Generator) -> stats.Sensitivity:
    """From `num` Halton trials with the noise of one seed."""
    u = qmc.scale(qmc.Halton(2, rng=rng).random(num), *np.log10([LR, RHO]).T)
    scores = found(u[:, 0], u[:, 1]) + rng.normal(0, ERROR, num)
    return stats.sensitivity(10 ** u[:, 0], 10 ** u[:, 1], scores, ERROR, LR, RHO, DEFAULT)


@pytest.mark.parametrize("num", [16, 32, 64])
def test_simulated_studies(num: int):
    """Better than knowing no more than the average surface, and near the truth."""
    rng = np.random.default_rng(num)
    surfaces = [surface(rng) for _ in range(100)]
    known = np.array([truth(found) for found in surfaces])
    found = [estimate(s, num, rng) for s in surfaces]
    ours = np.array([(one.decades, one.regret) for one in found])
    error = np.sqrt(((ours - known) ** 2).mean(axis=0))
    print(f"\n{num} trials: rms error {error}, spread of the truth {known.std(axis=0)}")
    assert error[1] < 0.8 * known[:, 1].std()
    assert abs((ours - known)[:, 1].mean()) < 0.005
    if num == 16:
        assert np.isnan(ours[:, 0]).all() and "for the width" in found[0].note
    else:
        assert error[0] < known[:, 0].std()
        assert abs((ours - known)[:, 0].mean()) < 0.15


def test_without_noise_and_with_many_trials_it_finds_the_truth():
    def hill(lr: np.ndarray, rho: np.ndarray) -> np.ndarray:
        return 0.9 - 0.05 * (lr + 1.5) ** 2 - 0.1 * (rho + 1) ** 2

    u = qmc.scale(qmc.Halton(2, rng=0).random(100), *np.log10([LR, RHO]).T)
    scores = hill(u[:, 0], u[:, 1])
    found = stats.sensitivity(10 ** u[:, 0], 10 ** u[:, 1], scores, 0.004, LR, RHO, DEFAULT)
    assert found.best == pytest.approx(0.1, rel=0.1)
    assert found.decades == pytest.approx(0.4, abs=0.05)
    assert found.regret == pytest.approx(0.1 * (1 + np.log10(DEFAULT)) ** 2, abs=0.002)
    assert (found.trials, found.note) == (100, "")


def test_notes_instead_of_numbers():
    rng = np.random.default_rng(0)
    few = estimate(surface(rng), MIN_TRIALS - 1, rng)
    assert np.isnan(few.decades) and few.note.startswith("too few trials") and few.trials == 15
    x = np.geomspace(0.01, 0.5, 40)
    blind = stats.sensitivity(x, x, x, float("nan"), LR, RHO)
    assert np.isnan(blind.best) and blind.note == "no standard error: too few seeds"
    beyond = stats.sensitivity(x, x, x, 0.01, LR, RHO, default=2.0)
    assert np.isnan(beyond.regret) and beyond.note == "the default was not searched"
    assert stats.sensitivity(x, x, x, 0.01, LR, RHO).note == "the default is not known"


def test_equal_scores_are_insensitive():
    x = np.geomspace(0.01, 0.5, 40)
    found = stats.sensitivity(x, x, np.full(40, 0.8), 0.01, LR, RHO, DEFAULT)
    assert found.decades == pytest.approx(np.log10(50)) and found.regret == pytest.approx(0)


def test_bad_scores_do_not_count():
    scores = np.array([0.0, 0.1, 0.79, 0.8, 0.85, 0.9])
    assert upper_half(scores, 0.01).tolist() == [False, False, True, True, True, True]


def test_the_interval_is_the_run_around_the_best():
    assert within(np.array([0.9, 0.5, 0.88, 0.9, 0.895, 0.2]), 0.03) == (0, 0, 0)
    assert within(np.array([0.8, 0.5, 0.88, 0.9, 0.895, 0.2]), 0.03) == (3, 2, 4)
    assert within(np.array([0.9, 0.9]), 0.03) == (0, 0, 1)
