"""Records of a big made-up study, as a file: what a report of so many runs is measured on.

Many arms on 600 test images, by the whole protocol: pools whose accuracies peak at some lr and
radius, with divergence beyond; reruns of the best points, and of a setting to use.
"""

import json
import math
from collections.abc import Iterator
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np

import variants
from sambench import records
from sambench.config import Arm, Space
from sambench.records import Record, pack
from sambench.scores import ACCURACY, LOSS
from sambench.stats import Ranking, afforded, smallest_shown

EPOCHS, STEPS, NUM_TEST, BUDGET = 10, 120, 600, 8.0
LR = Space(low=0.001, high=1.0, log=True)
RHO = Space(low=0.01, high=0.5, log=True)
EACH = 11
"""Rows of an arm with two passes, for each search: 4 points, 6 reruns, a run of the setting."""


def labels(num: int) -> list[str]:
    """The baseline and other members of the family."""
    return ["plain", *(key for key in variants.names() if key != "plain")][:num]


def arm(key: str) -> Arm:
    rho = {} if key == "plain" else {"rho": RHO}
    return Arm(
        label=key,
        key=key,
        length=1.0,
        epochs=EPOCHS,
        passes=2.0 if rho else 1.0,
        lr=None,
        fix={},
        space={"lr": LR, **rho},
        radius="rho" if rho else None,
        defaults={"rho": 0.05} if rho else {},
    )


def header(keys: list[str], searches: int, name: str) -> dict[str, Any]:
    """As `study` would write it."""
    return {
        "study": name,
        "spec": {
            "name": name,
            "question": "How long does a leaderboard take?",
            "variants": keys,
            "task": {
                "dataset": "synthetic",
                "image_size": 16,
                "split": {"train": 797, "val": 400, "test": NUM_TEST},
                "model": "test_resnet",
            },
            "train": {"epochs": EPOCHS, "batch_size": 64},
            "search": {
                "budget": BUDGET,
                "searches": searches,
                "space": {"lr": LR.model_dump(mode="json")},
            },
        },
        "arms": {key: arm(key).model_dump(mode="json") for key in keys},
        "objective": "accuracy",
        "scores": [ACCURACY.model_dump(), LOSS.model_dump()],
        "measures": [],
        "bands": {"curves": 3.5, "differences": 4.0},
        "command": f"python -m sambench study {name}",
        "commit": "0123abc",
        "date": "2026-11-22",
        "versions": {"sambench": "0.1.0"},
        "hardware": {"cpu": "made up"},
        "test_runs": 0,
    }


def runs(keys: list[str], searches: int, name: str) -> Iterator[Record]:
    """Every run of the study, arm by arm."""
    trials = {key: afforded(BUDGET, arm(key).passes, Fraction(1)) for key in keys}
    smallest = min(smallest_shown(trials.values(), k) for k in trials.values())
    for place, key in enumerate(keys):
        yield from _arm(arm(key), place, searches, trials[key], smallest, name)


def _arm(
    own: Arm, place: int, searches: int, k: Fraction, smallest: int, name: str
) -> Iterator[Record]:
    rng = np.random.default_rng(place)
    points = rng.random((ceil(searches * k), 2))
    settings = [(LR.at(u), RHO.at(v) if own.radius else None) for u, v in points]
    shares = [_share(place, lr, rho) for lr, rho in settings]
    scores = {
        i: None if _diverges(*settings[i]) else round(400 * (share + rng.normal(scale=0.01))) / 400
        for i, share in enumerate(shares)
    }
    for i, score in scores.items():
        yield _record(own, name, "pool", i, 0, settings[i], shares[i], score)
    ranking = Ranking.of(scores)
    counts = ranking.reruns(floor(k), searches, smallest)
    for rank, (i, num) in enumerate(zip(ranking.points, counts, strict=False)):
        for j in range(num):
            hits = rng.random(NUM_TEST) < shares[i]
            yield _record(own, name, "confirm", i, j, settings[i], shares[i], 0.9, hits, rank)
    best = (0.032, 0.071 if own.radius else None)
    for j in range(searches):
        hits = rng.random(NUM_TEST) < _share(place, *best)
        yield _record(own, name, "setting", -1, j, best, 0.9, 0.9, hits)


def _share(place: int, lr: Any, rho: Any) -> float:
    far = (math.log10(lr) + 1.5) ** 2 + (0 if rho is None else (math.log10(rho) + 1.15) ** 2)
    return min(0.85 + 0.001 * place, 0.95) - 0.05 * far


def _diverges(lr: Any, rho: Any) -> bool:
    return lr > 0.6 and (rho or 0) > 0.3


def _record(
    own: Arm,
    name: str,
    stage: str,
    point: int,
    rerun: int,
    setting: tuple[Any, Any],
    share: float,
    score: float | None,
    hits: np.ndarray | None = None,
    rank: int | None = None,
) -> Record:
    lr, rho = setting
    done = 3 if score is None else EPOCHS
    seed = 1000 * point + rerun
    return Record(
        study=name,
        variant=own.label,
        key=own.key,
        stage=stage,
        point=point,
        rerun=rerun,
        rank=rank,
        seed_split=seed,
        seed_labels=seed,
        seed_init=seed,
        seed_order=seed,
        lr=lr,
        rho=rho,
        hyperparameters=json.dumps({} if rho is None else {"rho": rho}),
        epochs=EPOCHS,
        epochs_done=done,
        outcome="diverged" if score is None else "complete",
        reason="loss is nan in epoch 4" if score is None else "",
        train_loss=None if score is None else 1.1 - score,
        num_items=0 if hits is None else NUM_TEST,
        gradient_evaluations=STEPS * own.passes,
        steps=STEPS,
        step_time_s=0.02 * own.passes,
        wall_s=2.5 * own.passes,
        device="cpu",
        processor="cpu",
        instructions="AVX2",
        threads=1,
        torch="2.15.0",
        data="0" * 32,
        source="study",
        curve=" ".join(f"{share * (1 - 0.5 ** (e + 1)):.4f}" for e in range(done)),
        peak_memory=None,
        wandb="",
        val={"accuracy": score, "loss": None if score is None else 1.4 - score},
        test={} if hits is None else {"accuracy": float(hits.mean()), "loss": 0.6},
        items={} if hits is None else {"accuracy": pack(hits)},
    )


def write(path: Path, rows: int, num_arms: int = 40) -> int:
    """About as many rows as asked for, and how many; all arms search as often."""
    keys = labels(num_arms)
    searches = max(rows // len(keys) // EACH, 5)
    found = list(runs(keys, searches, path.stem))
    records.write(path, header(keys, searches, path.stem), found)
    return len(found)
