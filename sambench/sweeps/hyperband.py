"""W&B's early termination: Li et al. (2018), arXiv:1603.06560, as its engine simplifies it.

A band is a number of logged values of the metric. Its threshold is the best 1/eta of all runs that
got so far. A run is stopped where its value at the last band it passed (strict), or its best value
so far (not strict), is beyond that band's threshold.
"""

import math
from collections.abc import Sequence

from sambench.sweeps.sweep_file import Hyperband

History = Sequence[float]
"""The finite values of the metric a run has logged, negated where more is better."""


def stops(run: History, runs: Sequence[History], rule: Hyperband) -> bool:
    """Whether to stop `run`, given all runs of the sweep, itself included."""
    passed = [band for band in rule.bands if band <= len(run)]
    if not passed:
        return False
    judged = run[passed[-1] - 1] if rule.strict else min(run)
    return judged > threshold(passed[-1], runs, rule.eta)


def threshold(band: int, runs: Sequence[History], eta: float) -> float:
    """What a run must not exceed at a band."""
    reached = sorted(history[band - 1] for history in runs if len(history) >= band)
    return reached[int(len(reached) / eta)] if reached else math.inf
