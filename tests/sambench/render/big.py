"""Records of a big made-up study, as a file; also a program.

    python tests/sambench/render/big.py leaderboards/big.csv --rows 1000000

40 variants on 600 test images; per variant a tenth of the rows are confirm runs, the rest a search
whose accuracies peak at some lr and radius, with divergence beyond.
"""

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import variants
from sambench import records
from sambench.records import KINDS, Record, pack

EPOCHS, STEPS, NUM_TEST = 10, 120, 600
LR = {"low": 0.001, "high": 1.0, "log": True, "choices": None}
RHO = {"low": 0.01, "high": 0.5, "log": True, "choices": None}
FACTOR = {"low": None, "high": None, "log": False, "choices": [0.5, 1.0, 2.0]}


def labels(num: int) -> list[str]:
    """The baseline and other members of the family."""
    return ["plain", *(key for key in variants.names() if key != "plain")][:num]


def header(keys: list[str], trials: int, seeds: int, name: str = "big") -> dict:
    """As `study` would write it."""
    return {
        "study": name,
        "spec": {
            "name": name,
            "question": "How long does a leaderboard take?",
            "seed": 0,
            "variants": keys,
            "variant": [],
            "task": {
                "dataset": "synthetic",
                "image_size": 16,
                "label_noise": 0.0,
                "split": {"train": 797, "val": 400, "test": NUM_TEST},
                "model": "test_resnet",
                "model_args": {},
            },
            "train": {
                "base": "sgd",
                "weight_decay": 5e-4,
                "epochs": EPOCHS,
                "batch_size": 64,
                "schedule": "cosine",
                "augment": "none",
            },
            "search": {
                "trials": trials,
                "sampler": "halton",
                "pruner": "none",
                "space": {"lr": LR},
            },
            "finalists": {"top": 2, "seeds": 2},
            "confirm": {"seeds": seeds},
        },
        "spaces": {
            key: {"lr": LR, **({"epochs_factor": FACTOR} if key == "plain" else {"rho": RHO})}
            for key in keys
        },
        "command": f"python -m sambench study {name}",
        "commit": "0123abc",
        "date": "2026-11-22",
        "versions": {"sambench": "0.1.0"},
        "hardware": {"cpu": "made up"},
        "test_runs": seeds * len(keys),
    }


def runs(keys: list[str], trials: int, seeds: int, name: str = "big") -> Iterator[Record]:
    """Every run of the study, by stage."""
    rng = np.random.default_rng(0)
    order = [(key, "search", trial, 0) for key in keys for trial in range(trials)]
    order += [(key, "finalist", trial, 100 + s) for key in keys for trial in (1, 2) for s in (0, 1)]
    order += [(key, "confirm", 1, 1000 + seed) for key in keys for seed in range(seeds)]
    luck = rng.normal(scale=0.004, size=seeds)
    images = rng.random((seeds, NUM_TEST))
    for key, stage, trial, seed in order:
        place = keys.index(key)
        passes = 1 if key == "plain" else 2
        lr, rho = 10 ** (-3 + 3 * rng.random()), 10 ** (-2 + 1.7 * rng.random())
        if stage != "search":
            lr, rho = 0.0316 * (1 + place / 100), 0.07 * (1 + place / 100)
        diverged = stage == "search" and lr > 0.6 and rho > 0.3
        far = (math.log10(lr) + 1.5) ** 2 + (math.log10(rho) + 1.15) ** 2
        share = 0.90 + 0.001 * place - 0.05 * far + rng.normal(scale=0.004)
        correct = ""
        accuracy = None
        if stage == "confirm":
            i = seed - 1000
            hits = images[i] + rng.normal(scale=0.02, size=NUM_TEST) < share + luck[i]
            accuracy, correct = float(hits.mean()), pack(hits)
        done = 3 if diverged else EPOCHS
        curve = " ".join(f"{share * (1 - 0.5 ** (e + 1)):.4f}" for e in range(done))
        radius = None if key == "plain" else rho
        fields = {
            "study": name,
            "variant": key,
            "key": key,
            "stage": stage,
            "trial": trial,
            "seed": seed,
            **{f"seed_{stream}": seed * 7919 for stream in ("split", "labels", "init", "order")},
            "lr": lr,
            "rho": radius,
            "hyperparameters": json.dumps({} if radius is None else {"rho": radius, "eta": 0.01}),
            "epochs": EPOCHS,
            "epochs_done": done,
            "outcome": "diverged" if diverged else "complete",
            "reason": "loss is nan in epoch 4" if diverged else "",
            "val_accuracy": None if diverged else share - 0.01,
            "val_loss": None if diverged else 1.4 - share,
            "test_accuracy": accuracy,
            "test_loss": None if accuracy is None else 1.5 - accuracy,
            "train_loss": None if diverged else 1.1 - share,
            "test_correct": correct,
            "num_test": NUM_TEST if correct else 0,
            "gradient_evaluations": float(STEPS * passes),
            "steps": STEPS,
            "step_time_s": 0.02 * passes * (1 + 0.1 * rng.random()),
            "wall_s": 2.5 * passes * (1 + 0.1 * rng.random()),
            "device": "cpu",
            "threads": 1,
            "torch": "2.15.0",
            "source": "study",
            "curve": curve,
            "peak_memory": None,
            "wandb": "",
        }
        yield Record(**{k: v for k, v in fields.items() if k in KINDS})  # pyright: ignore


def write(path: Path, rows: int, num_variants: int = 40) -> None:
    """About as many rows as asked for, so many that each variant has as many as the others."""
    keys = labels(num_variants)
    each = rows // len(keys)
    seeds = max(each // 10, 5)
    trials = max(each - seeds - 4, 3)
    records.write(
        path, header(keys, trials, seeds, path.stem), runs(keys, trials, seeds, path.stem)
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    write(asked.path, asked.rows)
