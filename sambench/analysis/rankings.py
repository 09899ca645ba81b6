"""The two rankings of a study: who competes in each, and how they stand to its baseline."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import pandas as pd

from sambench.analysis.comparison import Standing, compare
from sambench.analysis.eligible import rankable
from sambench.config import BASELINE, EQUAL_EPOCHS, baselines
from sambench.records import Records


@dataclass(frozen=True)
class Ranking:
    """The competitors of one ranking, and why there is no baseline among them, else ""."""

    name: str
    baseline: str | None
    labels: tuple[str, ...]
    """all competitors, sorted, the baseline among them"""
    note: str
    runs: pd.DataFrame
    """the study's complete confirm runs"""

    @cached_property
    def standings(self) -> tuple[Standing, ...]:
        """Of all competitors, as `compare` orders them."""
        return tuple(compare(self.runs, self.labels, self.baseline))


class Rankings(NamedTuple):
    """Against the baseline that may spend as much as the others, and that of equal epochs."""

    equal_compute: Ranking
    equal_epochs: Ranking

    @property
    def unranked(self) -> str:
        """Which of the two is missing and why, "" if none is."""
        return "; ".join(f"{ranking.name}: {ranking.note}" for ranking in self if ranking.note)


def rankings(records: Records) -> Rankings:
    """Nothing is compared before `standings` are asked for."""
    frame = rankable(records)
    keys = _keys(frame)
    tuned = [label for label in baselines(keys) if label != EQUAL_EPOCHS]
    labels = tuple(label for label in keys if label != EQUAL_EPOCHS)
    note = "" if tuned else f"no run of a {BASELINE} whose schedule length is tuned"
    compute = Ranking("equal-compute", next(iter(tuned), None), labels, note, records.complete)
    name = "equal-epochs"
    if EQUAL_EPOCHS in keys:
        labels = tuple(label for label in keys if label not in tuned)
        return Rankings(compute, Ranking(name, EQUAL_EPOCHS, labels, "", records.complete))
    epochs = records.header["spec"]["train"]["epochs"]
    if tuned and _confirmed(frame, tuned[0]) == {epochs}:
        return Rankings(compute, replace(compute, name=name))
    note = f"no {BASELINE} was tuned at the study's {epochs} epochs; set equal_epochs = true"
    return Rankings(compute, Ranking(name, None, (), note, records.complete))


def _keys(frame: pd.DataFrame) -> Mapping[str, str]:
    """Registry key of every variant that has a run, by label."""
    found = frame.drop_duplicates("variant").sort_values("variant")
    return dict(zip(found["variant"], found["key"], strict=True))


def _confirmed(frame: pd.DataFrame, label: str) -> set[int]:
    """The schedule lengths of its confirm runs."""
    runs = (frame["variant"] == label) & (frame["stage"] == "confirm")
    return set(frame.loc[runs.to_numpy(), "epochs"])
