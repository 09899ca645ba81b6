"""What the time of a study goes to: at every moment, what each of its places is at.

A place is where a run may be trained, one for each worker. What a run's time went to is told by its
worker; a place without a run is at what the driver does meanwhile.
"""

import time
from collections.abc import Callable, Mapping
from typing import Literal

Phase = Literal["imports", "preflight", "opening", "waiting", "report", "wandb"]
"""Of the driver. imports: from the command on; preflight: trying data, model and variants; opening:
storage, data, workers; waiting: runs are given out and taken in; report: records and pages; wandb:
until W&B has what it was told"""

WORKERS, RUNNING = "workers", "running"
"""Until a worker has begun a run that it was given, with what one had done that died; runs that
have not ended."""


class Spending:
    """Seconds by part, of all places together.

    began: by the clock, when the command was given; None: now
    clock: in seconds
    """

    def __init__(
        self,
        places: int,
        began: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.places = places
        self._clock = clock
        self._busy = 0
        self._running = 0.0
        """seconds of runs that have not ended, up to `_since`"""
        self._phase: Phase = "imports"
        self._since = clock() if began is None else began
        self._parts: dict[str, float] = {}

    def turn(self, phase: Phase) -> None:
        """The driver turns to something else."""
        self._settle()
        self._phase = phase

    def took(self) -> None:
        """A place takes a run."""
        self._settle()
        self._busy += 1
        self.places = max(self.places, self._busy)

    def gave(self, seconds: float, spent: Mapping[str, float]) -> None:
        """A place gives its run back, after so long, with what the worker says of that."""
        self._settle()
        self._busy -= 1
        self._running -= seconds
        for part, own in spent.items():
            self._add(part, own)
        self._add(WORKERS, max(0.0, seconds - sum(spent.values())))

    def parts(self) -> dict[str, float]:
        """Up to now; their sum is the time of all places, unless runs began where none looked."""
        self._settle()
        running = {RUNNING: self._running} if self._busy else {}
        return {part: round(seconds, 3) for part, seconds in (self._parts | running).items()}

    def _settle(self) -> None:
        now = self._clock()
        passed = now - self._since
        self._since = now
        self._running += self._busy * passed
        self._add(self._phase, (self.places - self._busy) * passed)

    def _add(self, part: str, seconds: float) -> None:
        self._parts[part] = self._parts.get(part, 0.0) + seconds
