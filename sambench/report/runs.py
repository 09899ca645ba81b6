"""The runs of one variant, and what is counted or measured over them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

import numpy as np

from sambench.records import Record, unpack

BASELINE = "plain"
EQUAL_EPOCHS = "plain-equal-epochs"  # the baseline of the second ranking, not a competitor
OUTCOMES = ("complete", "pruned", "diverged", "failed")
STAGES = ("search", "finalist", "confirm")


@dataclass(frozen=True)
class Runs:
    """All runs of one variant."""

    label: str
    records: tuple[Record, ...]

    @cached_property
    def confirm(self) -> list[Record]:
        """The confirm runs, whatever became of them."""
        return [record for record in self.records if record.stage == "confirm"]

    @cached_property
    def results(self) -> dict[int, Record]:
        """The complete confirm runs by seed."""
        return {record.seed: record for record in self.confirm if record.outcome == "complete"}

    def scores(self, seeds: Iterable[int]) -> np.ndarray:
        """Test accuracy (seeds,), NaN where no confirm run is complete."""
        runs = [self.results.get(seed) for seed in seeds]
        return np.array([run.test_accuracy if run else None for run in runs], float)

    def correct(self, seeds: Iterable[int]) -> np.ndarray:
        """Which test images were right, bool (seeds, images)."""
        runs = [self.results[seed] for seed in seeds]
        return np.array([unpack(run.test_correct, run.num_test) for run in runs])

    @property
    def gradient_evaluations(self) -> float | None:
        """Counted in the median complete confirm run."""
        return _median([run.gradient_evaluations for run in self.results.values()])

    @property
    def step_time_s(self) -> float | None:
        """Mean training step of the median complete confirm run."""
        return _median([run.step_time_s for run in self.results.values()])

    @property
    def machines(self) -> set[tuple[str, int]]:
        """The (device, threads) of the complete confirm runs."""
        return {(run.device, run.threads) for run in self.results.values()}


def gather(records: Iterable[Record]) -> list[Runs]:
    """The runs of every variant."""
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[record.variant].append(record)
    return [Runs(label, tuple(runs)) for label, runs in found.items()]


def baseline(variants: Iterable[Runs]) -> Runs | None:
    """The tuned plain optimizer; of several arms with that key, the one that also has its name."""
    plain = [runs for runs in variants if runs.records[0].key == BASELINE]
    return min(plain, key=lambda runs: (runs.label != BASELINE, runs.label), default=None)


def tally(records: Iterable[Record]) -> dict[str, int]:
    """How many runs had each outcome."""
    counts = Counter(record.outcome for record in records)
    return {outcome: counts[outcome] for outcome in OUTCOMES}


def _median(values: Sequence[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return median(measured) if measured else None
