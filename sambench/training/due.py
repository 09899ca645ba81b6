"""When a run's next checkpoint is due: by what the last one cost, whatever the model's size."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SHARE = 0.02
"""Of a run's time, what its checkpoints take at most."""
BYTES_PER_S = 2e8
"""At which the first one is expected to be written."""


class Due:
    """Counts the seconds trained since the last checkpoint.

    every_s: that lie between two at least; 0: one after every epoch, whatever it costs
    size: of the first one, in bytes, about
    """

    def __init__(
        self, every_s: float, size: int, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._every_s = every_s
        self._clock = clock
        self._cost_s = size / BYTES_PER_S
        self._since = clock()

    @property
    def now(self) -> bool:
        wait_s = max(self._every_s, self._cost_s / SHARE) if self._every_s else 0.0
        return self._clock() - self._since >= wait_s

    @contextmanager
    def saving(self) -> Iterator[None]:
        """While one is written."""
        began = self._clock()
        yield
        self._since = self._clock()
        self._cost_s = self._since - began
