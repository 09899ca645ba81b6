"""Who competes in which of a study's two rankings, and what was searched."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sambench.config import BASELINE, baselines
from sambench.records import Records

SCHEDULE = "epochs_factor"  # searched by the baseline that may spend as much as the others
RANKINGS = ("equal-compute", "equal-epochs")


@dataclass(frozen=True)
class Field:
    """The competitors of one ranking."""

    ranking: str
    baseline: str | None
    """label, None where there is none"""
    labels: tuple[str, ...]
    """all competitors, sorted, the baseline among them"""
    note: str
    """why there is no baseline, else empty"""


def fields(records: Records) -> tuple[Field, ...]:
    """The two rankings: against the baseline of equal compute, and of equal epochs."""
    known = keys(records)
    return _equal_compute(records, known), _equal_epochs(records, known)


def searched(records: Records, columns: Sequence[str]) -> pd.DataFrame:
    """These columns of the search runs, by variant, source and trial."""
    frame = records.frame
    columns = list(dict.fromkeys(["variant", "source", "trial", *columns]))
    runs = frame.loc[(frame["stage"] == "search").to_numpy(), columns]
    return runs.sort_values(["variant", "source", "trial"])


def keys(records: Records) -> dict[str, str]:
    """Registry key of every variant that has a run, by label."""
    found = records.frame.drop_duplicates("variant").sort_values("variant")
    return dict(zip(found["variant"], found["key"], strict=True))


def radius(runs: pd.DataFrame, space: Mapping[str, Any]) -> str | None:
    """The searched name that records call rho, None where one variant's runs have none."""
    known = runs["rho"].notna().to_numpy()
    if not known.any():
        return None
    at = int(known.argmax())
    first, rho = json.loads(runs["hyperparameters"].iloc[at]), runs["rho"].iloc[at]
    names = [name for name in space if name in first]
    return next((name for name in names if np.isclose(float(first[name]), rho, rtol=1e-9)), None)


def space(records: Records, label: str) -> Mapping[str, Any]:
    """What was searched: name -> Space."""
    return records.header["spaces"].get(label, {})


def _plain(records: Records, keys: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The arms of the baseline's key: with a tuned schedule length, and at the study's epochs."""
    arms = baselines(keys)
    tuned = [label for label in arms if SCHEDULE in space(records, label)]
    return tuned, [label for label in arms if label not in tuned]


def _equal_compute(records: Records, keys: Mapping[str, str]) -> Field:
    tuned, fixed = _plain(records, keys)
    if not tuned:
        note = f"no run of a {BASELINE} whose schedule length is tuned"
        return Field(RANKINGS[0], None, (), note)
    labels = [label for label in keys if label not in fixed]
    return Field(RANKINGS[0], tuned[0], tuple(labels), "")


def _equal_epochs(records: Records, keys: Mapping[str, str]) -> Field:
    tuned, fixed = _plain(records, keys)
    others = [label for label in keys if label not in (*tuned, *fixed)]
    if fixed:
        return Field(RANKINGS[1], fixed[0], tuple(sorted([*others, *fixed])), "")
    epochs = records.header["spec"]["train"]["epochs"]
    if tuned:
        frame = records.frame
        confirm = (frame["variant"] == tuned[0]) & (frame["stage"] == "confirm")
        if set(frame.loc[confirm.to_numpy(), "epochs"]) == {epochs}:
            return Field(RANKINGS[1], tuned[0], _equal_compute(records, keys).labels, "")
    note = f"no {BASELINE} was tuned at the study's {epochs} epochs; set equal_epochs = true"
    return Field(RANKINGS[1], None, (), note)
