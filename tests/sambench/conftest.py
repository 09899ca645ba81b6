"""Two kinds of studies: of 64 synthetic images in seconds, and made-up but realistic ones.

The latter have 600 test images, and accuracies that vary by image, seed and run.
"""

import copy
import hashlib
import json
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from io import StringIO
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from sambench import records, seeds
from sambench.config import Arm, Space
from sambench.records import Record, Records, pack
from sambench.scores import ACCURACY, LOSS
from sambench.stats import Ranking, afforded, smallest_shown
from sambench.study.run import run_study

SPEC = {
    "name": "tiny",
    "variants": ["sam"],
    "variant": [{"name": "plain", "length": 1}],
    "task": {
        "dataset": "synthetic",
        "image_size": 8,
        "split": {"train": 64, "val": 20, "test": 30},
        "model": "test_resnet",
    },
    "train": {"epochs": 2, "batch_size": 32},
    "search": {
        "budget": 2.0,
        "searches": 1,
        "space": {"lr": {"low": 0.01, "high": 0.5, "log": True}},
    },
}
"""17 runs: 3 points, 6 reruns of each arm, a run of either setting."""
TOML = """
variants = ["sam"]
variant = [{ name = "plain", length = 1 }]

[task]
dataset = "synthetic"
image_size = 8
split = { train = 64, val = 20, test = 30 }
model = "test_resnet"

[train]
epochs = 2
batch_size = 32

[search]
budget = 2
searches = 1
space.lr = { low = 0.01, high = 0.5, log = true }
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
            "workers": 1,
            "wandb": "disabled",
            "console": quiet,
        }
        return run_study(spec, overrides, **{**defaults, **options})

    return run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    """The folder that the tiny study leaves when it has run to its end; not to be written to."""
    torch.set_num_threads(1)
    root, quiet = tmp_path_factory.mktemp("finished"), Console(file=StringIO())
    run_study(tiny, root=root, device="cpu", workers=1, wandb="disabled", console=quiet)
    return root / "tiny"


@pytest.fixture
def ran(finished: Path, tmp_path: Path) -> Callable[..., Path]:
    """ran(root): a copy of it there, for tests to which it is nothing new that a study runs."""

    def ran(root: Path = tmp_path / "runs") -> Path:
        return Path(shutil.copytree(finished, root / "tiny"))

    return ran


@pytest.fixture
def recorded() -> Callable[..., list[Record]]:
    """The records of a study's folder, timings blanked."""

    def recorded(folder: Path) -> list[Record]:
        found = records.read(folder / "records.csv").records
        return [replace(record, **TIMINGS) for record in found]

    return recorded


# --- made-up studies


NUM_VAL, NUM_TEST = 400, 600
LR = {"low": 0.001, "high": 1.0, "log": True, "choices": None}
RHO = {"low": 0.01, "high": 0.5, "log": True, "choices": None}
PASSES = {"plain": 1.0, "sam": 2.0, "asam": 2.0, "esam": 1.5, "gam": 4.0}
LABELS = ("plain-x0.5", "plain", "plain-x2", "sam", "asam", "esam")
MADE_UP = {
    "name": "digits",
    "question": "Which SAM variant is worth its cost on digits with 40% wrong labels?",
    "seed": 0,
    "variants": ["plain", "sam", "asam", "esam"],
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
    "search": {"budget": 8.0, "searches": 5, "space": {"lr": LR}},
}
HEADER = {
    "study": "digits",
    "spec": MADE_UP,
    "objective": "accuracy",
    "scores": [ACCURACY.model_dump(), LOSS.model_dump()],
    "measures": [],
    "command": "python -m sambench study",
    "commit": "0123abc",
    "date": "2026-11-22",
    "versions": {"sambench": "0.2.0", "torch": "2.15.0"},
    "hardware": {"processor": "Example CPU", "cpus": 2, "deterministic algorithms": False},
    "test_runs": 40,
}


def arm(label: str = "sam", **changes: object) -> Arm:
    """The competitor of a label such as "plain-x0.5"; any field changed."""
    key, _, length = label.partition("-x")
    epochs = round(10 * float(length or 1))
    rho = {} if key == "plain" else {"rho": Space(**RHO)}
    fields = {
        "label": label,
        "key": key,
        "length": float(length or 1),
        "epochs": epochs,
        "passes": PASSES.get(key, 2.0),
        "lr": None,
        "fix": {},
        "space": {"lr": Space(**LR), **rho},
        "radius": "rho" if rho else None,
        "defaults": {"rho": 0.05} if rho else {},
    }
    return Arm.model_validate(fields | changes)


def record(
    variant: str = "sam", stage: str = "confirm", point: int = 0, rerun: int = 0, **changes: object
) -> Record:
    """One complete run, with any field changed."""
    own = arm(variant)
    rho = changes.get("rho", 0.05 if own.radius else None)
    tested = stage in records.TESTED
    streams = {f"seed_{s}": 10 * point + rerun for s in ("split", "labels", "init", "order")}
    steps = 12 * own.epochs
    fields = {
        "study": "digits",
        "variant": variant,
        "key": own.key,
        "stage": stage,
        "point": point,
        "rerun": rerun,
        "rank": None,
        **streams,
        "lr": 0.0316228,
        "rho": rho,
        "hyperparameters": json.dumps({} if rho is None else {"rho": rho}),
        "epochs": own.epochs,
        "epochs_done": own.epochs,
        "outcome": "complete",
        "reason": "",
        "train_loss": 0.7,
        "num_items": NUM_TEST if tested else 0,
        "gradient_evaluations": own.passes * steps,
        "steps": steps,
        "step_time_s": 0.02 * own.passes,
        "wall_s": 0.02 * own.passes * steps,
        "device": "Example CPU",
        "processor": "Example CPU",
        "instructions": "AVX2",
        "threads": 1,
        "torch": "2.15.0",
        "data": "0" * 32,
        "source": "study",
        "curve": " ".join(["0.8500"] * (own.epochs - 1) + ["0.9000"]),
        "peak_memory": None,
        "wandb": "",
        "val": {"accuracy": 0.9, "loss": 0.5},
        "test": {"accuracy": 0.9, "loss": 0.3} if tested else {"accuracy": None, "loss": None},
        "items": {"accuracy": pack(np.arange(NUM_TEST) < 0.9 * NUM_TEST) if tested else ""},
    }
    return Record(**{**fields, **changes})  # pyright: ignore[reportArgumentType]


def luck(scale: float, *name: object) -> float:
    """Normal, a function of its name: what is shared is named alike."""
    text = "/".join(map(str, name)).encode()
    seed = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())
    return float(np.random.default_rng(seed).normal(scale=scale))


def tested(share: float, *name: object) -> dict[str, dict[str, Any]]:
    """Fields of a run that gets about this share of the test items right."""
    easy = np.random.default_rng(0).normal(size=NUM_TEST)
    seed = int.from_bytes(hashlib.blake2b(repr(name).encode(), digest_size=8).digest())
    own = np.random.default_rng(seed).normal(scale=0.3, size=NUM_TEST)
    right = np.zeros(NUM_TEST, bool)
    right[np.argsort(easy + own)[NUM_TEST - round(share * NUM_TEST) :]] = True
    scores = {"accuracy": float(right.mean()), "loss": 0.3}
    return {"test": scores, "items": {"accuracy": pack(right)}}


Make = Callable[..., Records]


@pytest.fixture(scope="session")
def make() -> Make:
    """make({"plain": .93, "sam": .95}, searches=5, sam={"outcome": "diverged"}) -> Records

    A study of these arms by the whole protocol: an arm's accuracy is that of its best setting, and
    falls by 10 points to the ends of the ranges. Luck of a run 1 point, of which a half is shared.
    """

    def build(
        accuracies: Mapping[str, float],
        searches: int = 5,
        budget: float = 8.0,
        extra: tuple[Record, ...] = (),
        seed: int = 0,
        **changes: dict[str, object],
    ) -> Records:
        arms = {label: arm(label) for label in accuracies}
        trials = {label: afforded(budget, 1, own.cost(10)) for label, own in arms.items()}
        found = list(extra)
        for label, best in accuracies.items():
            own, k = arms[label], trials[label]
            points = {i: _setting(own, seed, i) for i in range(ceil(searches * k))}
            quality = {
                i: best - 0.1 * max(abs(2 * u - 1) for u in positions.values()) ** 2
                for i, (_, positions) in points.items()
            }

            score = partial(_score, seed, label)
            pool = {
                i: round(NUM_VAL * (score(i, "pool", q) - 0.35)) / NUM_VAL
                for i, q in quality.items()
            }
            change = changes.get(label, {})
            found += [
                record(label, "pool", i, val={"accuracy": pool[i], "loss": 1.5}, **points[i][0])
                for i in pool
            ]
            ranking = Ranking.of(pool)
            counts = ranking.reruns(floor(k), searches, smallest_shown(trials.values(), k))
            for rank, (i, num) in enumerate(zip(ranking.points, counts, strict=False)):
                found += [
                    record(
                        label,
                        "confirm",
                        i,
                        j,
                        rank=rank,
                        **points[i][0],
                        **{**tested(score(i, j, quality[i]), seed, label, i, j), **change},
                    )
                    for j in range(num)
                ]
            middle = {"lr": 0.032, "rho": 0.071 if own.radius else None}
            found += [
                record(
                    label,
                    "setting",
                    -1,
                    j,
                    **middle,
                    **{**tested(score(-1, j, best), seed, label, -1, j), **change},
                )
                for j in range(searches)
            ]
        spec = copy.deepcopy(MADE_UP)
        spec["search"] |= {"budget": budget, "searches": searches}
        fits = {label: _fit(own) for label, own in arms.items()}
        dumped = {label: own.model_dump(mode="json") for label, own in arms.items()}
        header = {**HEADER, "spec": spec, "arms": dumped, "fits": fits, "num_records": len(found)}
        return Records(copy.deepcopy(header), tuple(found))

    return build


def _score(seed: int, label: str, i: int, j: int | str, share: float) -> float:
    """With the luck of a run, half of which all arms share."""
    return share + luck(0.005, seed, i, j) + luck(0.005, seed, label, i, j)


def _setting(own: Arm, seed: int, point: int) -> tuple[dict[str, Any], dict[str, float]]:
    """Fields of a point's runs, and where it lies."""
    at = {name: seeds.position(seed, point, axis) for name, axis in own.axes.items()}
    values = {name: own.space[name].at(u) for name, u in at.items()}
    rho = values.get("rho")
    text = json.dumps({} if rho is None else {"rho": rho})
    return {"lr": values["lr"], "rho": rho, "hyperparameters": text}, at


def _fit(own: Arm) -> dict[str, Any]:
    radius = {"rho": 0.071} if own.radius else {}
    profile = [[0.01 * 50 ** (i / 16), 0.55 - 0.001 * (i - 8) ** 2, 0.005] for i in range(17)]
    return {
        "setting": {"lr": 0.032, **radius},
        "edges": [],
        "expected": 0.55,
        "noise": 0.01,
        "profile": profile if own.radius else [],
    }
