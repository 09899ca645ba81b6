"""What a step costs, from the timings of a benchmark: ratios within rounds, never across them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sambench.bench.record import Bench, Timing, Training


@dataclass(frozen=True)
class Spread:
    """Median and quartiles over rounds."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True)
class Cost:
    """A competitor beside its reference, the first one of its heat."""

    name: str
    step_s: float
    ratio: Spread
    """step time over the reference's"""
    passes: float
    images_per_s: float
    memory: float | None
    """peak memory over the reference's"""
    copies: float | None
    """peak memory beyond the reference's, in copies of the parameters"""


@dataclass(frozen=True)
class Outside:
    """Time of a step outside forward and backward: what is left beyond bare passes."""

    name: str
    seconds: Spread
    ours_over_it: float
    """our own driver's median over this one's"""


@dataclass(frozen=True)
class Costs:
    """A benchmark as its tables show it."""

    variants: tuple[Cost, ...]
    outside: tuple[Outside, ...]
    loop: Spread
    """images per second of the suite's loop over the bare one's"""
    peers: tuple[tuple[str, Spread], ...]
    """step time of others' SAM, all eager, over ours"""
    training: tuple["Epoch", ...]


@dataclass(frozen=True)
class Epoch:
    """Training on a GPU."""

    name: str
    images: int
    seconds: Spread
    of_ceiling: Spread
    """time of as many bare forward and backward passes over the epoch's"""
    busy: float


def costs(bench: Bench) -> Costs:
    """All ratios of a benchmark; the baseline is listed once, as the first heat found it."""
    found = [
        _cost(timing, heat[0], bench, bench.batch_size)
        for i, heat in enumerate(bench.variants)
        for timing in heat[min(i, 1) :]
    ]
    bare, suite = bench.loops
    return Costs(
        tuple(found),
        _outside(bench),
        _spread(_seconds(bare) / _seconds(suite)),
        tuple(
            (t.name, _spread(_seconds(t) / _seconds(bench.variants[0][1])))
            for t in bench.variants[0][2:]
        ),
        tuple(map(_epoch, bench.training)),
    )


def _epoch(found: Training) -> Epoch:
    seconds, ceiling = np.array(found.epoch_s), np.array(found.ceiling_s)
    share = _spread(ceiling / seconds)
    return Epoch(found.name, found.images, _spread(seconds), share, found.busy)


def _cost(timing: Timing, reference: Timing, bench: Bench, images: int) -> Cost:
    memory = copies = None
    if timing.peak_bytes is not None and reference.peak_bytes is not None:
        memory = timing.peak_bytes / reference.peak_bytes
        copies = (timing.peak_bytes - reference.peak_bytes) / bench.parameter_bytes
    step = float(np.median(_seconds(timing)))
    ratio = _spread(_seconds(timing) / _seconds(reference))
    return Cost(timing.name, step, ratio, timing.passes, images / step, memory, copies)


def _outside(bench: Bench) -> tuple[Outside, ...]:
    bare, *others = bench.outside
    left = [_spread(_seconds(timing) - _seconds(bare)) for timing in others]
    return tuple(
        Outside(timing.name, spread, left[0].median / spread.median)
        for timing, spread in zip(others, left, strict=True)
    )


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Of seconds that were taken in the same rounds."""
    return _spread(np.array(ours) / np.array(theirs))


def _seconds(timing: Timing) -> np.ndarray:
    return np.array(timing.seconds)


def _spread(rounds: np.ndarray) -> Spread:
    low, median, high = (float(q) for q in np.percentile(rounds, (25, 50, 75)))
    return Spread(median, low, high)
