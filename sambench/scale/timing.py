"""Rounds of a measurement, by the clock."""

import time
from collections.abc import Callable

IN_FLIGHT = (1, 8)
"""Runs, or workers, at a time."""


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return round(time.perf_counter() - began, 6)
