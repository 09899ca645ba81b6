"""How often runs of a pool diverged, by lr and rho, in equal bins of the searched ranges.

    lr_low, lr_high, rho_low, rho_high   edges of the bin, in log space where that was searched so;
                      rho is NaN for a variant without a radius; the last bin holds its upper edge
    runs, diverged    runs in the bin (failed ones apart), and how many of them diverged; trials of
                      W&B agents count here

Bins per axis grow with the number of runs, 2 to 8, so that one holds two runs or more on average.
Empty bins are listed: they say where nothing was tried.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from sambench.analysis.csv_tables import published
from sambench.analysis.evidence import Evidence
from sambench.analysis.tables._schema import typed
from sambench.config import Arm, Space
from sambench.stats import evenly


class Bin(NamedTuple):
    """A line of the table."""

    variant: str
    lr_low: float
    lr_high: float
    rho_low: float
    rho_high: float
    runs: int
    diverged: int


def table(evidence: Evidence) -> pd.DataFrame:
    """One row per arm and bin, by name, lr and rho."""
    runs = evidence.searched
    runs = runs.loc[(runs["outcome"] != "failed").to_numpy()]
    parts = [_bins(evidence.arms[str(label)], own) for label, own in runs.groupby("variant")]
    return typed(pd.concat(parts, ignore_index=True) if parts else [], Bin)


def _bins(arm: Arm, runs: pd.DataFrame) -> pd.DataFrame:
    flat = bool(runs["rho"].isna().all())
    num = int(np.clip(len(runs) / 2 if flat else math.sqrt(len(runs) / 2), 2, 8))
    lr = _edges(runs["lr"].to_numpy(), arm.space.get("lr"), num)
    rho = None if flat else _edges(runs["rho"].to_numpy(), arm.space.get(arm.radius or ""), num)
    columns = {"lr": _place(runs["lr"].to_numpy(), lr)}
    columns["rho"] = (
        np.zeros(len(runs), int) if rho is None else _place(runs["rho"].to_numpy(), rho)
    )
    shape = (len(lr) - 1, 1 if rho is None else len(rho) - 1)
    cell = columns["lr"] * shape[1] + columns["rho"]
    diverged = (runs["outcome"] == "diverged").to_numpy()
    i, j = (index.ravel() for index in np.indices(shape))
    edges = np.full(2, np.nan) if rho is None else rho
    return pd.DataFrame(
        {
            "variant": arm.label,
            "lr_low": lr[i],
            "lr_high": lr[i + 1],
            "rho_low": edges[j],
            "rho_high": edges[j + 1],
            "runs": np.bincount(cell, minlength=shape[0] * shape[1]),
            "diverged": np.bincount(cell[diverged], minlength=shape[0] * shape[1]),
        }
    )


def _edges(values: np.ndarray, space: Space | None, num: int) -> np.ndarray:
    """Ends of `num` bins over the searched range and values beyond it; one bin for one value."""
    ends = space.bounds if space and space.choices is None else ()
    low, high = min([*ends, values.min()]), max([*ends, values.max()])
    if low == high:
        return np.array([low, high])
    log = low > 0 and (not ends or (space and space.log))
    return evenly(low, high, num + 1) if log else np.linspace(low, high, num + 1)


def _place(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Bin of each value; as published, since a value may be an edge but for its last bits."""
    return np.searchsorted(published(edges[1:-1]), published(values), side="right")
