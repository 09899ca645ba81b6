"""Made-up tidy tables of any number of arms, with the columns of `sambench.analysis.tables`."""

import math
from typing import Any

import numpy as np
import pandas as pd

from sambench.analysis import tables as kinds
from sambench.render.figures import Chosen

NAN = float("nan")
ROWS = {
    "ranking": kinds.RankedArm,
    "tuning": kinds.TuningPoint,
    "cost": kinds.RunCost,
    "pool": kinds.PoolRun,
    "confirmed": kinds.ConfirmRun,
    "radius": kinds.Radius,
    "profile": kinds.ProfilePoint,
    "curves": kinds.CurvePoint,
}
BASES = ("plain", "plain-x0.5", "plain-x2")
POINTS = 12


def empty() -> dict[str, pd.DataFrame]:
    return {name: pd.DataFrame([], columns=row._fields) for name, row in ROWS.items()}


def is_base(arm: str) -> bool:
    return arm in BASES


def bases(arms: list[str]) -> list[str]:
    return [arm for arm in BASES if arm in arms]


def length(arm: str) -> float:
    return float(arm.partition("-x")[2] or 1)


def chosen(arms: list[str]) -> dict[str, Chosen]:
    """Settings to use."""
    return {arm: Chosen(0.03, None if is_base(arm) else 0.07, 10) for arm in arms}


def tables(arms: list[str]) -> dict[str, pd.DataFrame]:
    """Half a point between one arm and the next; the last one is not ranked, if there are many."""
    draw = np.random.default_rng(len(arms))
    scores = {arm: 0.9 - 0.005 * i for i, arm in enumerate(arms)}
    lost = arms[-1] if len(arms) > 6 else ""
    base = next((arm for arm in arms if is_base(arm)), "")
    found: dict[str, list[tuple[Any, ...]]] = {name: [] for name in ROWS}
    for i, (arm, score) in enumerate(scores.items()):
        passes = length(arm) * (1 if is_base(arm) else 2)
        ends = score - 0.01, score + 0.01
        lead = score - scores.get(base, score)
        rival = bool(base) and not is_base(arm) and arm != lost
        against = (base, lead, lead - 0.01, lead + 0.01, 0.02, i == 0) if rival else (
            base, NAN, NAN, NAN, NAN, False
        )  # fmt: skip
        why = "only 2 of the 3 trials that are needed" if arm == lost else ""
        group = "" if arm == lost else "ab"
        found["ranking"].append(
            (arm, group, why, length(arm), 10, 8 / passes, score, *ends, score, *against, 0.01,
             0.004, POINTS, 1, 0.0, 30, 0, 0.0, 0.1)
        )  # fmt: skip
        if arm != lost:
            for k in range(4, math.floor(8 / passes) + 1):
                at = score - 0.1 / k + 0.1 / math.floor(8 / passes)
                bands = at - 0.01, at + 0.01, at - 0.015, at + 0.015
                found["tuning"].append((arm, k, k * passes, at, *bands))
        cost = (120.0 * passes, passes, 2.0 * passes + i / 10, passes, 2.0**20 * (50 + i))
        found["cost"].append((arm, *cost, score, *ends, True, True, True))
        for e in range(1, round(10 * length(arm)) + 1):
            at = score - 0.3 / e
            found["curves"].append((arm, e, 10, at, at - 0.02, at + 0.02, 5))
        if not is_base(arm):
            found["radius"].append((arm, "rho", 0.1, 0.05, 0.2, 0.6, 0.05, 0.001))
            values = [(0.01 * 50 ** (r / 16), 0.55 - 0.001 * (r - 8) ** 2) for r in range(17)]
            found["profile"] += [(arm, "rho", value, at, 0.005) for value, at in values]
        for point in range(POINTS):
            lr, rho = 10.0 ** (-3 + 3 * point / POINTS), 10.0 ** (-2 + 1.7 * draw.random())
            gone = point == POINTS - 1 and not is_base(arm)
            val = NAN if gone else score - 0.01 * abs(point - 6) - 0.001 * (point > 6)
            rank = 2 * abs(point - 6) - (point > 6) if 4 < point < 9 else -1
            outcome = "diverged" if gone else "complete"
            radius = NAN if is_base(arm) else rho
            found["pool"].append((arm, point, lr, radius, 10, val, outcome, 10, rank, "study"))
            if rank >= 0:
                again = arm, rank, point, 0, lr, radius, 0.25, score, val, "complete"
                found["confirmed"].append(again)
    return {name: pd.DataFrame(own, columns=ROWS[name]._fields) for name, own in found.items()}
