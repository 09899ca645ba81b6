"""A study that takes seconds: two variants on 64 synthetic images."""

import copy
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sambench import records
from sambench.records import Record
from sambench.study import run_study

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
