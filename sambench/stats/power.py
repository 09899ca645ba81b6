"""What a t test finds: the noncentral t, computed in 30 digits and rounded once."""

from functools import lru_cache
from typing import Any

import mpmath

from sambench.stats.logarithms import DIGITS


@lru_cache(maxsize=256)
def detectable_shift(freedom: int, critical: float, power: float) -> float:
    """The noncentrality at which t exceeds `critical` with this power."""
    with mpmath.workdps(DIGITS):
        nodes = _nodes(freedom, critical)
        shift = mpmath.mpf(critical)  # below the answer, where the power is concave
        for _ in range(50):
            found = mpmath.fsum(w * mpmath.ncdf(shift - critical * s) for s, w in nodes)
            slope = mpmath.fsum(w * mpmath.npdf(shift - critical * s) for s, w in nodes)
            step = (power - found) / slope
            shift += step
            if abs(step) < 1e-12 * shift:  # Newton's next step would be its square
                break
        return float(shift)


def _nodes(freedom: int, critical: float) -> list[tuple[Any, Any]]:
    """Values of the standard deviation over the true one, and their probabilities.

    The trapezoidal rule over its logarithm, which converges geometrically (Trefethen and Weideman
    2014, doi:10.1137/130932132).
    """
    nu = mpmath.mpf(freedom)
    step = 1 / max(mpmath.sqrt(20 * nu + 60), mpmath.mpf(3 * critical))
    log_scale = mpmath.log(2) + nu / 2 * mpmath.log(nu / 2) - mpmath.loggamma(nu / 2)

    def weight(u: Any) -> Any:
        return step * mpmath.exp(log_scale + nu * u - nu / 2 * mpmath.exp(2 * u))

    found = []
    for direction in (-1, 1):
        k = min(direction, 0)
        while (w := weight(k * step)) > 1e-20:
            found.append((mpmath.exp(k * step), w))
            k += direction
    return found
