"""Two kinds of studies: of 64 synthetic images in seconds, and made-up but realistic ones.

The latter have 600 test images, and accuracies that vary by image, seed and run.
"""

import copy
import json
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from sambench import records
from sambench.records import Record, Records, pack
from sambench.study.run import run_study

SPEC = {
    "name": "tiny",
    "variants": ["plain", "sam"],
    "task": {
        "dataset": "synthetic",
        "image_size": 8,
        "split": {"train": 64, "val": 20, "test": 30},
        "model": "test_resnet",
    },
    "train": {"epochs": 2, "batch_size": 32},
    "search": {"trials": 2, "space": {"lr": {"low": 0.01, "high": 0.5, "log": True}}},
    "finalists": {"top": 1, "seeds": 1},
    "confirm": {"seeds": 2},
}
TOML = """
variants = ["plain", "sam"]

[task]
dataset = "synthetic"
image_size = 8
split = { train = 64, val = 20, test = 30 }
model = "test_resnet"

[train]
epochs = 2
batch_size = 32

[search]
trials = 2
space.lr = { low = 0.01, high = 0.5, log = true }

[finalists]
top = 1
seeds = 1

[confirm]
seeds = 2
"""

Spec = dict[str, Any]
TIMINGS = {"wall_s": 0.0, "step_time_s": None}


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The command line handles SIGTERM in its own way: afterwards it is as it was."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def spec() -> Spec:
    return copy.deepcopy(SPEC)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same study as a file."""
    path = tmp_path_factory.mktemp("studies") / "tiny.toml"
    path.write_text(TOML)
    return path


@pytest.fixture
def study_file(tiny: Path, tmp_path: Path) -> Path:
    """A copy of it, alone in its folder."""
    return Path(shutil.copy(tiny, tmp_path))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    """`run_study` on the CPU, in a root of its own, silent, without W&B."""

    def run(spec: Any, overrides: tuple[str, ...] = (), **options: Any) -> Any:
        quiet = Console(file=StringIO())
        defaults = {
            "root": tmp_path / "runs",
            "device": "cpu",
            "wandb": "disabled",
            "console": quiet,
        }
        return run_study(spec, overrides, **{**defaults, **options})

    return run


@pytest.fixture
def recorded() -> Callable[..., list[Record]]:
    """The records of a study's folder, timings blanked."""

    def recorded(folder: Path) -> list[Record]:
        found = records.read(folder / "records.csv").records
        return [replace(record, **TIMINGS) for record in found]

    return recorded


# --- made-up studies


NUM_TEST = 600
LR = {"low": 0.001, "high": 1.0, "log": True, "choices": None}
RHO = {"low": 0.01, "high": 0.5, "log": True, "choices": None}
FACTOR = {"low": None, "high": None, "log": False, "choices": [0.5, 1, 2]}
MADE_UP = {
    "name": "digits",
    "question": "Which SAM variant is worth its cost on digits with 40% wrong labels?",
    "seed": 0,
    "variants": ["plain", "sam", "asam", "esam"],
    "variant": [],
    "task": {
        "dataset": "digits",
        "image_size": 16,
        "label_noise": 0.4,
        "split": {"train": 797, "val": 400, "test": 600},
        "model": "test_resnet",
        "model_args": {},
    },
    "train": {
        "base": "sgd",
        "weight_decay": 5e-4,
        "epochs": 10,
        "batch_size": 64,
        "schedule": "cosine",
        "augment": "none",
    },
    "search": {"trials": 8, "sampler": "halton", "pruner": "none", "space": {"lr": LR}},
    "finalists": {"top": 2, "seeds": 2},
    "confirm": {"seeds": 10},
}
HEADER = {
    "study": "digits",
    "spec": MADE_UP,
    "command": "python -m sambench study",
    "commit": "0123abc",
    "date": "2026-11-22",
    "versions": {"sambench": "0.1.0", "torch": "2.15.0"},
    "hardware": {"cpu": "Example CPU", "cores": 2, "deterministic": True},
    "test_runs": 40,
}
EVALUATIONS = {"plain": 120.0, "sam": 240.0, "asam": 240.0, "esam": 188.4}


def record(
    variant: str = "sam", stage: str = "confirm", seed: int = 1000, **changes: object
) -> Record:
    """One complete run, with any field changed."""
    rho = changes.get("rho", None if variant == "plain" else 0.05)
    fields = {
        "study": "digits",
        "variant": variant,
        "key": variant,
        "stage": stage,
        "trial": 3,
        "seed": seed,
        **{f"seed_{stream}": seed * 10 for stream in ("split", "labels", "init", "order")},
        "lr": 0.031622776601683795,
        "rho": rho,
        "hyperparameters": json.dumps({} if rho is None else {"rho": rho}),
        "epochs": 10,
        "epochs_done": 10,
        "outcome": "complete",
        "reason": "",
        "val_accuracy": 0.9,
        "val_loss": 0.5,
        "test_accuracy": None,
        "test_loss": None,
        "train_loss": 0.7,
        "test_correct": "",
        "num_test": NUM_TEST,
        "gradient_evaluations": EVALUATIONS.get(variant, 240.0),
        "steps": 120,
        "step_time_s": 0.02 * EVALUATIONS.get(variant, 240.0) / 120,
        "wall_s": 2.5,
        "device": "cpu",
        "threads": 1,
        "torch": "2.15.0",
        "source": "study",
        "curve": "0.8500 0.9000",
        "peak_memory": None,
        "wandb": "",
    }
    return Record(**{**fields, **changes})  # pyright: ignore[reportArgumentType]


def confirmed(variant: str, accuracy: float, seed: int, **changes: object) -> Record:
    """A confirm run near this accuracy; the same seed and images are hard for every variant."""
    easy = np.random.default_rng(0).normal(size=NUM_TEST)
    luck = np.random.default_rng([1, seed]).normal(scale=0.004)
    own = np.random.default_rng([2, seed, *variant.encode()]).normal(scale=0.3, size=NUM_TEST)
    order = np.argsort(easy + own)
    correct = np.zeros(NUM_TEST, bool)
    correct[order[NUM_TEST - round((accuracy + luck) * NUM_TEST + own[0] * 5) :]] = True
    fields = {
        "test_accuracy": float(correct.mean()),
        "test_loss": 0.3,
        "test_correct": pack(correct),
    }
    return record(variant, seed=seed, **{**fields, **changes})


Make = Callable[..., Records]


@pytest.fixture(scope="session")
def make() -> Make:
    """make({"plain": .93, "sam": .95}, seeds=10, sam={"lr": .9}, extra=[...]) -> Records"""

    def build(
        accuracies: Mapping[str, float],
        seeds: int = 10,
        extra: tuple[Record, ...] = (),
        **changes: dict,
    ) -> Records:
        found = list(extra)
        for variant, accuracy in accuracies.items():
            own = changes.get(variant, {})
            found += [record(variant, "search", 0, trial=t, **own) for t in range(8)]
            found += [record(variant, "finalist", 100 + s, **own) for s in range(2)]
            found += [confirmed(variant, accuracy, 1000 + s, **own) for s in range(seeds)]
        spaces = {
            v: {"lr": LR, **({"rho": RHO} if v != "plain" else {"epochs_factor": FACTOR})}
            for v in accuracies
        }
        header = {**HEADER, "spaces": spaces, "defaults": {v: {"rho": 0.05} for v in spaces}}
        return Records(copy.deepcopy(header), tuple(found))

    return build
