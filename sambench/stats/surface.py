"""A smooth surface through noisy scores, and where it is highest.

Gaussian-process regression with a squared exponential kernel, a length scale per coordinate and
noise, by maximum likelihood (Rasmussen & Williams 2006, section 5.4; scikit-learn's). Scores below
the median count as the median: how bad a bad setting is says nothing about the best, and a cliff
bends a smooth surface everywhere. It is fitted iteratively, so that studies store what they read
from it: another machine may differ in its last digits.
"""

import warnings
from dataclasses import dataclass
from math import sqrt
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.gaussian_process import GaussianProcessRegressor

SMALLEST = 4
"""Scores; fewer have no surface."""
PLACES = 4096
BEYOND = 0.02
"""Share of an axis's places that are put on each of its ends, so that ends are looked at."""


@dataclass(frozen=True)
class Surface:
    """Scores in their own unit, at coordinates (n, d)."""

    model: "GaussianProcessRegressor"
    mean: float
    scale: float
    noise: float
    """standard deviation of a score about the surface"""

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The expected score, and its standard error, both (n,)."""
        middle, spread = map(np.asarray, self.model.predict(x, return_std=True))
        error = np.sqrt(np.maximum((self.scale * spread) ** 2 - self.noise**2, 0))
        return self.mean + self.scale * middle, error


def fit(x: np.ndarray, scores: np.ndarray) -> Surface | None:
    """Through scores (n,) at coordinates (n, d) in [0, 1]; None for too few, or equal ones.

    NaN, of a diverged run, counts as the lowest.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    known = scores[~np.isnan(scores)]
    if len(known) < SMALLEST or not x.shape[1]:
        return None
    middle = float(np.median(np.where(np.isnan(scores), known.min(), scores)))
    clipped = np.maximum(np.where(np.isnan(scores), middle, scores), middle)
    scale = float(clipped.std())
    if scale == 0:
        return None
    shape = ConstantKernel(1.0, (1e-2, 1e2)) * RBF([0.5] * x.shape[1], (0.1, 5.0))
    kernel = shape + WhiteKernel(0.3, (1e-3, 3.0))
    model = GaussianProcessRegressor(kernel, n_restarts_optimizer=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a length scale at its bound
        model.fit(x, (clipped - clipped.mean()) / scale)
    noise = scale * sqrt(attrgetter("k2.noise_level")(model.kernel_))
    return Surface(model, float(clipped.mean()), scale, noise)


def places(axes: int, num: int = PLACES) -> np.ndarray:
    """Positions (num, axes) that fill [0, 1]^axes evenly, ends included (Sobol's sequence)."""
    from scipy.stats import qmc

    drawn = qmc.Sobol(axes, rng=0).random(num)
    return np.clip((1 + 2 * BEYOND) * drawn - BEYOND, 0, 1)
