"""How long the rest of a study takes, by how long its runs took so far."""

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

RECENT = 20  # runs of an arm that count: a machine may become slower
RANDOM = "pool"  # the stage whose runs may diverge at once; points that did are not run again


class InFlight(NamedTuple):
    """A run that is being trained."""

    label: str
    share_left: float
    """of its epochs"""
    for_s: float
    """seconds since its last epoch, or since it began"""


class Forecast:
    """Learns seconds per run of each arm, first those of this process, else those of earlier ones.

    costs: label -> what a run should cost, in any unit: it stands in for arms not yet seen
    """

    def __init__(self, costs: Mapping[str, float], workers: int) -> None:
        self._costs = costs
        self.workers = workers
        """runs at a time"""
        self._here = _recent()
        self._earlier = _recent()
        self._paced: dict[str, float] = {}
        """label -> seconds of a run, by the epochs of one that has not ended"""
        self._drawn: deque[tuple[str, float]] = deque(maxlen=RECENT * len(costs))
        """label and seconds of random points, however they ended"""

    def paced(self, label: str, seconds: float) -> None:
        """Notes how long a run will take that goes on as it does."""
        self._paced[label] = seconds

    def ended(
        self, label: str, stage: str, seconds: float, *, complete: bool, here: bool = True
    ) -> None:
        """Notes a run; `here` if this process trained it."""
        if complete:
            (self._here if here else self._earlier)[label].append(seconds)
        if stage == RANDOM and here:
            self._drawn.append((label, seconds))

    def left(
        self, in_flight: Sequence[InFlight], stages: Sequence[tuple[str, Mapping[str, int]]]
    ) -> float | None:
        """Seconds to the end; None before anything is known.

        stages: name and label -> runs not begun, the running stage first; each waits for the last
        """
        typical = self._typical()
        if not typical:
            return None
        drawn = self._share_drawn(typical)
        busy = [max(0.0, r.share_left * typical[r.label] - r.for_s) for r in in_flight]
        free = (busy + [0.0] * self.workers)[: max(self.workers, len(busy))]
        for name, counts in stages:
            share = drawn if name == RANDOM else 1.0
            heapq.heapify(free)
            for label in _in_turn(counts):
                heapq.heapreplace(free, free[0] + share * typical[label])
            free = [max(free)] * len(free)
        return max(free)

    def _typical(self) -> dict[str, float]:
        """Seconds of a whole run of every arm."""
        here = self._paced | _means(self._here)
        earlier = _means(self._earlier)
        both = here.keys() & earlier.keys()
        then = sum(earlier[a] for a in both)  # 0 of runs whose seconds nobody kept
        slower = sum(here[a] for a in both) / then if then else 1.0
        known = {label: seconds * slower for label, seconds in earlier.items()} | here
        if not known:
            return {}
        unit = sum(known.values()) / sum(self._costs[label] for label in known)
        return {label: unit * cost for label, cost in self._costs.items()} | known

    def _share_drawn(self, typical: Mapping[str, float]) -> float:
        """Of a whole run, what a random point takes: less than 1 where many diverge."""
        whole = sum(typical[label] for label, _ in self._drawn)
        return min(1.0, sum(seconds for _, seconds in self._drawn) / whole) if whole else 1.0


def _recent() -> defaultdict[str, deque[float]]:
    return defaultdict(lambda: deque(maxlen=RECENT))


def _means(found: Mapping[str, Iterable[float]]) -> dict[str, float]:
    return {label: fmean(seconds) for label, seconds in found.items()}


def _in_turn(counts: Mapping[str, int]) -> Iterable[str]:
    """One run of each arm after the other, as the stages have them."""
    for i in range(max(counts.values(), default=0)):
        yield from (label for label, num in counts.items() if i < num)
