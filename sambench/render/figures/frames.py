"""Tidy tables as plain rows: what figures draw is small, and dicts are easier to read."""

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

Row = dict[str, Any]


def rows(frame: pd.DataFrame, **equal: str) -> list[Row]:
    """The rows in which these columns have these values."""
    for name, value in equal.items():
        frame = frame.loc[list(frame[name] == value)]
    return [
        {str(name): value for name, value in row.items()} for row in frame.to_dict(orient="records")
    ]


def known(value: Any) -> bool:
    """Whether this cell holds something: a number that is not NaN, a text that is not empty."""
    return bool(value == value) and value is not None and value != ""


def have(found: Iterable[Row], *names: str) -> list[Row]:
    """The rows that know all of these columns."""
    return [row for row in found if all(known(row[name]) for name in names)]


def by_variant(found: Iterable[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in found:
        groups.setdefault(row["variant"], []).append(row)
    return groups


def thinned(frame: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most so many rows per variant, evenly spread, the best one always among them."""
    if len(frame) <= most:
        return frame
    chosen = []
    for _, own in frame.groupby("variant", sort=False):
        every = math.ceil(len(own) / most)
        best = own["val_accuracy"].fillna(-1.0).to_numpy().argmax()
        chosen += list(own.index[sorted({*range(0, len(own), every), int(best)})])
    return frame.loc[chosen]
