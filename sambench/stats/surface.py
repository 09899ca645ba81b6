"""A smooth surface through noisy scores over two coordinates in [0, 1], and its profile.

Gaussian-process regression with a squared exponential kernel, a length scale per coordinate
(Rasmussen & Williams 2006, algorithm 2.1); length scales and amplitude maximise the marginal
likelihood times a weak prior, which matters below some 20 points.
"""

from collections.abc import Callable

import numpy as np
from scipy import linalg, optimize

MEDIANS = np.log([0.5, 0.5, 1.0])  # prior of length scale, length scale, variance: log-normal
SPREADS = np.array([0.5, 0.5, 1.0])
JITTER = 1e-6


def fit(x: np.ndarray, scores: np.ndarray, noise: float) -> Callable[[np.ndarray], np.ndarray]:
    """The posterior mean as a function of points (n, 2), given the noise sd of a score."""
    mean, scale = scores.mean(), scores.std() or 1.0
    z, variance = (scores - mean) / scale, (noise / scale) ** 2 + JITTER

    apart, noises = _squares(x, x), variance * np.eye(len(x))

    def factor(logs: np.ndarray) -> tuple[np.ndarray, bool]:
        return linalg.cho_factor(_kernel(apart, logs) + noises, lower=True)

    def lacking(logs: np.ndarray) -> float:
        root = factor(logs)
        fitted = z @ linalg.cho_solve(root, z) / 2 + np.log(np.diag(root[0])).sum()
        return float(fitted + (((logs - MEDIANS) / SPREADS) ** 2).sum() / 2)

    logs = optimize.minimize(lacking, MEDIANS, method="L-BFGS-B").x
    weights = linalg.cho_solve(factor(logs), z)
    return lambda points: mean + scale * (_kernel(_squares(points, x), logs) @ weights)


def _squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances by coordinate, (2, len(a), len(b))."""
    return (a.T[:, :, None] - b.T[:, None]) ** 2


def _kernel(squares: np.ndarray, logs: np.ndarray) -> np.ndarray:
    scales = -0.5 * np.exp(-2 * logs[:2])
    return np.exp(logs[2] + scales[0] * squares[0] + scales[1] * squares[1])
