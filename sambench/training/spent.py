"""What the time of a run goes to: a clock that counts every moment for one part.

Each thread has its own, as each trains one run at a time. On a GPU, whose work the host does not
wait for, what a first step begins there may count as training.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Part = Literal[
    "data", "model", "first_steps", "training", "evaluation",
    "checkpoints", "records", "measures", "telling", "other",
]  # fmt: skip
"""data: loading them; model: building it and its optimizer; first_steps: the first of each process,
with what torch does once; training: epochs but for those; checkpoints: writing and reading them;
records: the result, and weights that are kept; telling: of an epoch, until it is answered"""


class _Clock(threading.local):
    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.parts: dict[Part, float] = {}
        self.part: Part = "other"
        self._since = time.perf_counter()

    def turn(self, part: Part) -> None:
        now = time.perf_counter()
        self.parts[self.part] = self.parts.get(self.part, 0.0) + now - self._since
        self.part, self._since = part, now


_clock = _Clock()


def begin() -> None:
    """A run begins: nothing is spent so far."""
    _clock.begin()


@contextmanager
def on(part: Part) -> Iterator[None]:
    """Within the block the time counts for this part, but for blocks of others in it."""
    before = _clock.part
    _clock.turn(part)
    try:
        yield
    finally:
        _clock.turn(before)


def so_far() -> dict[str, float]:
    """Seconds by part since `begin`: their sum is all that has passed."""
    _clock.turn(_clock.part)
    return {part: round(seconds, 6) for part, seconds in _clock.parts.items()}
