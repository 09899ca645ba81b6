"""A smooth surface through noisy scores over two coordinates in [0, 1].

Gaussian-process regression with a squared exponential kernel, a length scale per coordinate
(Rasmussen & Williams 2006, algorithm 2.1); length scales and amplitude maximise the marginal
likelihood, of FITTED points at most, times a weak prior, which matters below some 20 points.

The search for them would magnify the last bits of a processor's own exp or of a linear algebra
library, so both are spelled here, in element-wise arithmetic, which is the same everywhere.
"""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

from sambench.stats.logarithms import DIGITS
from sambench.stats.sums import moments, total

MEDIANS = (-0.6931471805599453, -0.6931471805599453, 0.0)
"""log of 0.5, 0.5 and 1, the prior of length scale, length scale, variance: log-normal"""
SPREADS = (0.5, 0.5, 1.0)
JITTER = 1e-6
FITTED = 48  # the search is cubic in them, and takes some 80 steps
STEP, TOLERANCE = 0.5, 1e-3  # of the search for these logarithms, first and last
Surface = Callable[[np.ndarray, np.ndarray], np.ndarray]


def fit(x: np.ndarray, scores: np.ndarray, noise: float) -> Surface:
    """The posterior mean on the grid of coordinates (n,) and (m,), of points x: (trials, 2).

    `noise` is the sd of a score.
    """
    from scipy import optimize  # half a second, which few of those who import stats need

    num, mean, variance = moments(scores)
    scale = float(np.sqrt(variance * (num - 1) / num)) or 1.0
    z, own = (scores - mean) / scale, (noise / scale) * (noise / scale) + JITTER
    apart = np.stack([_squares(at, at) for at in x.T])
    chosen = np.unique(np.rint(np.linspace(0, len(x) - 1, FITTED)).astype(int))
    few = apart[:, chosen[:, None], chosen]

    def lacking(logs: np.ndarray) -> float:
        """-2 log of the likelihood and the prior, but for a constant."""
        rows = _eliminated(_covariance(few, logs, own), z[chosen])
        pivots = rows.diagonal()
        off = [(a - b) / c for a, b, c in zip(logs, MEDIANS, SPREADS, strict=True)]
        misfit = total(rows[:, -1] * rows[:, -1] / pivots)
        return float(misfit) + _log_of_product(pivots) + sum(a * a for a in off)

    corners = np.array(MEDIANS) + STEP * np.eye(4, 3, -1)
    options = {"xatol": TOLERANCE, "fatol": np.inf, "initial_simplex": corners}
    logs = optimize.minimize(lacking, MEDIANS, method="Nelder-Mead", options=options).x
    weights = _exp(logs[2]) * _solved(_eliminated(_covariance(apart, logs, own), z))

    def surface(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        rows, columns = (
            _bell(_squares(own, at), log)
            for at, own, log in zip((first, second), x.T, logs, strict=False)
        )
        found = np.zeros((len(first), len(second)))
        for weight, row, column in zip(weights, rows, columns, strict=True):
            found += np.multiply.outer(weight * row, column)
        return mean + scale * found

    return surface


def _covariance(apart: np.ndarray, logs: np.ndarray, own: float) -> np.ndarray:
    """Of scores at points of these squared distances (2, n, n), each with a variance of its own."""
    bells = [_bell(squares, log) for squares, log in zip(apart, logs, strict=False)]
    found = _exp(logs[2]) * bells[0] * bells[1]
    np.fill_diagonal(found, found.diagonal() + own)
    return found


def _squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances, (len(a), len(b))."""
    return (a[:, None] - b) * (a[:, None] - b)


def _bell(squares: np.ndarray, log: float) -> np.ndarray:
    return _falling(-0.5 * _exp(-2 * log) * squares)


def _exp(x: float) -> float:
    with mpmath.workdps(DIGITS):
        power: Any = mpmath.exp(float(x))
        return float(power)


def _falling(x: np.ndarray) -> np.ndarray:
    """exp(x) of x <= 0, to 12 digits where it matters."""
    t = np.maximum(x, -50) / 1024
    power = 1 + t * (1 + t / 2 * (1 + t / 3 * (1 + t / 4 * (1 + t / 5))))
    for _ in range(10):
        power *= power
    return power


def _log_of_product(x: np.ndarray) -> float:
    mantissas, exponents = np.frexp(x)
    product = float(np.multiply.accumulate(mantissas)[-1])
    with mpmath.workdps(DIGITS):
        return float(mpmath.log(product) + int(exponents.sum()) * mpmath.ln2)


def _eliminated(matrix: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Rows of the triangular system that Gauss makes of a positive definite one, z at their end."""
    rows = np.column_stack([matrix, z])
    for k in range(len(z) - 1):
        row, rest = rows[k, k + 1 :], rows[k + 1 :, k + 1 :]
        rest -= np.multiply.outer(row[:-1] / rows[k, k], row)
    return rows


def _solved(rows: np.ndarray) -> np.ndarray:
    num = len(rows)
    found = np.zeros(num)
    for k in reversed(range(num)):
        found[k] = (rows[k, -1] - total(rows[k, k + 1 : -1] * found[k + 1 :])) / rows[k, k]
    return found
