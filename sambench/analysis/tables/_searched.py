"""What was searched, and the runs that searched it."""

import json
from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np
import pandas as pd

from sambench.records import Records


class Range(TypedDict, total=False):
    """A space of the header: a range, or choices."""

    low: float | None
    high: float | None
    log: bool
    choices: Sequence[float | str] | None


Spaces = Mapping[str, Range]
"""By the searched name."""


def searched(records: Records, columns: Sequence[str]) -> pd.DataFrame:
    """These columns of the search runs, by variant, source and trial."""
    frame = records.frame
    columns = list(dict.fromkeys(["variant", "source", "trial", *columns]))
    runs = frame.loc[(frame["stage"] == "search").to_numpy(), columns]
    return runs.sort_values(["variant", "source", "trial"])


def radius(runs: pd.DataFrame, spaces: Spaces) -> str | None:
    """The searched name that records call rho, None where one variant's runs have none."""
    known = runs["rho"].notna().to_numpy()
    if not known.any():
        return None
    at = int(known.argmax())
    first, rho = json.loads(runs["hyperparameters"].iloc[at]), runs["rho"].iloc[at]
    names = [name for name in spaces if name in first]
    return next((name for name in names if np.isclose(float(first[name]), rho, rtol=1e-9)), None)


def spaces_of(records: Records, label: str) -> Spaces:
    """What was searched of a variant."""
    return records.header["spaces"].get(label, {})
