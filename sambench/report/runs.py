"""The runs of one variant, and what is counted or measured over them."""

import base64
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sambench.records import OUTCOMES

BASELINE = "plain"
EQUAL_EPOCHS = "plain-equal-epochs"  # the baseline of the second ranking, not a competitor


@dataclass(frozen=True, eq=False)
class Runs:
    """What one variant's leaderboard row is made from."""

    label: str
    key: str
    confirm: pd.DataFrame
    """the confirm runs by seed, whatever became of them"""
    outcomes: dict[str, int]
    """outcome -> runs of all stages"""

    @cached_property
    def results(self) -> pd.DataFrame:
        """The complete confirm runs, indexed by seed."""
        done = self.confirm.query("outcome == 'complete' and test_accuracy == test_accuracy")
        return done.drop_duplicates("seed").set_index("seed")

    def scores(self, seeds: Iterable[int]) -> np.ndarray:
        """Test accuracy (seeds,), NaN where no confirm run is complete."""
        return self.results["test_accuracy"].reindex(list(seeds)).to_numpy(float)

    @cached_property
    def _correct(self) -> np.ndarray | None:
        """Which test images were right, bool (results, images); None if their numbers differ."""
        sizes = self.results["num_test"].unique()
        if len(sizes) != 1 or not self.results["test_correct"].str.len().all():
            return None
        packed = b"".join(map(base64.b64decode, self.results["test_correct"]))
        rows = np.frombuffer(packed, np.uint8).reshape(len(self.results), -1)
        return np.unpackbits(rows, axis=1, count=int(sizes[0])).astype(bool)

    def correct(self, seeds: Iterable[int]) -> np.ndarray | None:
        """Which test images were right, bool (seeds, images); None where that is not known."""
        if self._correct is None:
            return None
        return self._correct[self.results.index.get_indexer(pd.Index(list(seeds)))]

    @property
    def gradient_evaluations(self) -> float | None:
        """Counted in the median complete confirm run."""
        return _median(self.results["gradient_evaluations"].to_numpy(float))

    @property
    def step_time_s(self) -> float | None:
        """Mean training step of the median complete confirm run."""
        return _median(self.results["step_time_s"].to_numpy(float))

    @property
    def machines(self) -> set[tuple[str, int]]:
        """The (device, threads) of the complete confirm runs."""
        found = self.results[["device", "threads"]].drop_duplicates()
        return {(str(device), int(threads)) for device, threads in found.to_numpy()}


def gather(frame: pd.DataFrame) -> list[Runs]:
    """The runs of every variant."""
    keys = frame.drop_duplicates("variant").set_index("variant")["key"]
    counts = frame.groupby(["variant", "outcome"], sort=False).size().to_dict()
    confirm = frame.query("stage == 'confirm'").sort_values(["variant", "seed", "trial"])
    by_variant = dict(iter(confirm.groupby("variant", sort=False)))
    return [
        Runs(
            label=str(label),
            key=str(key),
            confirm=by_variant.get(label, confirm.head(0)),
            outcomes={o: int(counts.get((label, o), 0)) for o in OUTCOMES},
        )
        for label, key in keys.items()
    ]


def baseline(variants: Iterable[Runs]) -> Runs | None:
    """The tuned plain optimizer; of several arms with that key, the one that also has its name."""
    plain = [runs for runs in variants if runs.key == BASELINE]
    return min(plain, key=lambda runs: (runs.label != BASELINE, runs.label), default=None)


def tally(frame: pd.DataFrame) -> dict[str, int]:
    """How many runs had each outcome."""
    counts = Counter(frame["outcome"].tolist())
    return {outcome: counts[outcome] for outcome in OUTCOMES}


def _median(values: np.ndarray) -> float | None:
    measured = values[~np.isnan(values)]
    return float(np.median(measured)) if len(measured) else None
