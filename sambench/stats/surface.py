"""A smooth surface through noisy scores over two coordinates in [0, 1].

Gaussian-process regression with a squared exponential kernel, a length scale per coordinate
(Rasmussen & Williams 2006, algorithm 2.1 and equation 5.9); length scales and amplitude maximise
the marginal likelihood times a weak prior, which matters below some 20 points.
"""

from collections.abc import Callable

import numpy as np

MEDIANS = np.log([0.5, 0.5, 1.0])  # prior of length scale, length scale, variance: log-normal
SPREADS = np.array([0.5, 0.5, 1.0])
JITTER = 1e-6
Surface = Callable[[np.ndarray, np.ndarray], np.ndarray]


def fit(x: np.ndarray, scores: np.ndarray, noise: float) -> Surface:
    """The posterior mean on the grid of coordinates (n,) and (m,), of points x: (trials, 2).

    `noise` is the sd of a score.
    """
    from scipy import linalg, optimize  # half a second, which few of those who import stats need

    mean, scale = scores.mean(), scores.std() or 1.0
    z, variance = (scores - mean) / scale, (noise / scale) ** 2 + JITTER
    apart = [_squares(own, own) for own in x.T]
    identity = np.eye(len(x))

    def kernel_of(logs: np.ndarray) -> np.ndarray:
        return np.exp(logs[2]) * _bell(apart[0], logs[0]) * _bell(apart[1], logs[1])

    def lacking(logs: np.ndarray) -> tuple[float, np.ndarray]:
        kernel = kernel_of(logs)
        root = linalg.cho_factor(kernel + variance * identity, lower=True, check_finite=False)
        inverse = linalg.cho_solve(root, identity, check_finite=False)
        weights = inverse @ z
        off = (logs - MEDIANS) / SPREADS
        value = z @ weights / 2 + np.log(np.diag(root[0])).sum() + (off**2).sum() / 2
        slope = (inverse - np.outer(weights, weights)) * kernel / 2
        slopes = [(slope * a).sum() * np.exp(-2 * log) for a, log in zip(apart, logs, strict=False)]
        return float(value), np.array([*slopes, slope.sum()]) + off / SPREADS

    logs = optimize.minimize(lacking, MEDIANS, method="L-BFGS-B", jac=True).x
    root = linalg.cho_factor(kernel_of(logs) + variance * identity, lower=True)
    weights = np.exp(logs[2]) * linalg.cho_solve(root, z)

    def surface(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        rows, columns = (
            _bell(_squares(at, own), log)
            for at, own, log in zip((first, second), x.T, logs, strict=False)
        )
        return mean + scale * ((rows * weights) @ columns.T)

    return surface


def _squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances, (len(a), len(b))."""
    return (a[:, None] - b) ** 2


def _bell(squares: np.ndarray, log: float) -> np.ndarray:
    return np.exp(-0.5 * np.exp(-2 * log) * squares)
