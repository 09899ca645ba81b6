"""Timing in turns: whatever the machine does meanwhile, it does to all competitors alike."""

import gc
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from sambench.bench.competitors import Competitor, Entry
from sambench.bench.record import Timing
from sambench.bench.work import Work
from variants.testing.live_bytes import LiveBytes

MEMORY_STEPS = 6  # one more than LookSAM's default period


@dataclass(frozen=True)
class Rhythm:
    """A round is `turns` turns of each competitor, a turn `calls` calls without a pause."""

    turns: int
    calls: int


@dataclass
class _Lap:
    competitor: Competitor
    rounds: list[float]
    before: float = 0.0
    """gradient evaluations before the timed part"""


def race(
    competitors: Sequence[Competitor],
    *,
    rounds: int,
    rhythm: Rhythm,
    device: torch.device,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Timing, ...]:
    """Seconds of a step of each competitor in each round, after one round to warm up.

    In every turn all have their go, in an order drawn anew: none always follows the same one.
    """
    laps = [_Lap(competitor, []) for competitor in competitors]
    order = random.Random(0)
    gc.collect()
    for number in range(rounds + 1):
        spent = [0.0] * len(laps)
        for _ in range(rhythm.turns):
            for i in order.sample(range(len(laps)), len(laps)):
                spent[i] += _turn(laps[i].competitor, rhythm.calls, device, clock)
        for lap, seconds in zip(laps, spent, strict=True):
            if number == 0:
                lap.before = lap.competitor.passes()
            else:
                steps = rhythm.turns * rhythm.calls * lap.competitor.steps
                lap.rounds.append(round(seconds / steps, 7))
    return tuple(_timing(lap, rounds, rhythm) for lap in laps)


def _turn(
    competitor: Competitor, calls: int, device: torch.device, clock: Callable[[], float]
) -> float:
    wait(device)
    start = clock()
    for _ in range(calls):
        competitor.run()
    wait(device)
    return clock() - start


def _timing(lap: _Lap, rounds: int, rhythm: Rhythm) -> Timing:
    steps = rounds * rhythm.turns * rhythm.calls * lap.competitor.steps
    counted = lap.competitor.passes() - lap.before
    return Timing(lap.competitor.name, tuple(lap.rounds), round(counted / steps, 4))


def with_memory(timing: Timing, entry: Entry, work: Work) -> Timing:
    """A timing with the peak memory of the first steps, measured apart: the meter costs time."""
    return replace(timing, peak_bytes=_peak(entry, work))


def _peak(entry: Entry, work: Work) -> int:
    gc.collect()
    if work.device.type == "cuda":
        wait(work.device)
        torch.cuda.reset_peak_memory_stats(work.device)
        before = torch.cuda.memory_allocated(work.device)
        _steps(entry, work)
        return torch.cuda.max_memory_allocated(work.device) - before
    with LiveBytes() as memory:
        _steps(entry, work)
        return memory.peak


def _steps(entry: Entry, work: Work) -> None:
    competitor = entry(work)
    for _ in range(MEMORY_STEPS):
        competitor.run()
    wait(work.device)


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
