"""The runs of one variant, and what is counted or measured over them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sambench.config import baselines
from sambench.records import OUTCOMES, Record, as_records, complete_confirm


@dataclass(frozen=True, eq=False)
class Runs:
    """What one variant's leaderboard row is made from."""

    label: str
    key: str
    outcomes: dict[str, int]
    """outcome -> runs of all stages"""
    confirmed: dict[str, int]
    """outcome -> confirm runs"""
    first: Record | None
    """one of the confirm runs, which all have the same settings"""
    results: pd.DataFrame
    """the complete confirm runs"""

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
        columns = (self.results[name].tolist() for name in ("device", "threads"))
        return set(zip(*columns, strict=True))


def gather(frame: pd.DataFrame) -> list[Runs]:
    """The runs of every variant."""
    keys = frame.drop_duplicates("variant").set_index("variant")["key"]
    outcomes = tally(frame, "variant")
    confirm = frame.loc[(frame["stage"] == "confirm").to_numpy()]
    confirm = confirm.sort_values(["variant", "seed", "trial"])
    results = complete_confirm(frame).set_index("seed")
    confirmed, results_of = tally(confirm, "variant"), _by_variant(results)
    first = {run.variant: run for run in as_records(confirm.drop_duplicates("variant"))}
    return [
        Runs(
            label=str(label),
            key=str(key),
            outcomes=outcomes[label],
            confirmed=confirmed[label],
            first=first.get(str(label)),
            results=results_of[label],
        )
        for label, key in keys.items()
    ]


def _by_variant(rows: pd.DataFrame) -> defaultdict[Any, pd.DataFrame]:
    found = defaultdict(lambda: rows.head(0))
    found.update(iter(rows.groupby("variant")))
    return found


def baseline(variants: Iterable[Runs]) -> str | None:
    """The baseline's label; of several arms of its key, the one that has its name."""
    return next(iter(baselines({runs.label: runs.key for runs in variants})), None)


def tally(frame: pd.DataFrame, by: str) -> defaultdict[Any, dict[str, int]]:
    """How many runs had each outcome, by the values of a column."""
    found: defaultdict[Any, dict[str, int]] = defaultdict(lambda: dict.fromkeys(OUTCOMES, 0))
    for value, counts in pd.crosstab(frame[by], frame["outcome"]).to_dict("index").items():
        found[value] |= counts
    return found


def _median(values: np.ndarray) -> float | None:
    measured = values[~np.isnan(values)]
    return float(np.median(measured)) if len(measured) else None
