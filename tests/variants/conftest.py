"""A small float64 problem to train on, snapshots of everything a step may change, a probe."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from filelock import FileLock
from torch import Tensor, nn
from torch.nn import functional as F

import variants

collect_ignore = ["replicas.py", "shards.py"]  # programs of their own processes
WORLD = 2


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.LayerNorm(6), nn.Linear(6, 3))


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Copies of all leaves of nested dicts and lists, by their path."""
    if isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        leaves = [flat(v, f"{path}/{k}") for k, v in items]
        return {k: v for leaf in leaves for k, v in leaf.items()}
    return {path: value.clone() if isinstance(value, Tensor) else value}


class Probe(variants.Variant):
    """A variant made of a function (oracle, state) -> (Update, state)."""

    rule: Any
    start: Any = None
    later: Any = None

    @property
    def passes(self) -> float:
        return 1.0

    def init(self, params):
        return self.start(params) if self.start else {}

    def direction(self, oracle, state):
        return self.rule(oracle, state)

    def after(self, oracle, state):
        return self.later(oracle, state) if self.later else (None, state)


class Task:
    """A model, one batch, and per-sample losses; equal on every construction."""

    def __init__(self, model: Callable[[], nn.Module] = mlp, dtype=torch.float64, rows=8):
        torch.manual_seed(0)
        self.model = model().to(dtype)
        self.x = torch.randn(rows, 4, dtype=dtype)
        self.y = torch.randint(3, (rows,))

    def losses(self, rows=slice(None)) -> Tensor:
        return F.cross_entropy(self.model(self.x[rows]), self.y[rows], reduction="none")

    def mean(self) -> Tensor:
        return self.losses().mean()

    def nth(self, number: int, act: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
        """The closure, with `act` applied to the losses of its evaluation `number` (1, 2, ...)."""
        calls = []

        def closure(rows=slice(None)):
            calls.append(rows)
            losses = self.losses(rows)
            return act(losses) if len(calls) == number else losses

        return closure

    def sgd(self, **options) -> torch.optim.Optimizer:
        options = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01} | options
        return torch.optim.SGD(self.model.parameters(), **options)

    def adamw(self, **options) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.model.parameters(), **({"lr": 0.01} | options))

    def driver(self, variant="sam", base=None, /, options=None, **hyperparameters):
        if isinstance(variant, str):
            variant = variants.create(variant, **hyperparameters)
        return variants.SharpnessAware(base or self.sgd(), variant, self.model, **(options or {}))

    def weights(self) -> dict[str, Tensor]:
        return {n: p.detach().clone() for n, p in self.model.named_parameters()}

    def buffers(self) -> dict[str, Tensor]:
        return {n: b.clone() for n, b in self.model.named_buffers()}

    def snapshot(self, opt: torch.optim.Optimizer) -> dict[str, Any]:
        return flat({"model": dict(self.model.state_dict()), "opt": opt.state_dict()})

    def changed(self, before: dict[str, Any], opt: torch.optim.Optimizer) -> list[str]:
        """What differs from a snapshot in so much as one bit."""
        return differing(before, self.snapshot(opt))


def differing(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """The keys whose values differ in so much as one bit."""

    def same(u: Any, v: Any) -> bool:
        if isinstance(u, Tensor) and isinstance(v, Tensor):
            return u.dtype == v.dtype and torch.equal(u, v)
        return type(u) is type(v) and u == v

    return sorted(k for k in a.keys() | b.keys() if not same(a.get(k), b.get(k)))


@pytest.fixture
def task() -> type[Task]:
    return Task


@pytest.fixture
def probe() -> type[Probe]:
    return Probe


@pytest.fixture(name="differing")
def differing_fixture() -> Callable[..., list[str]]:
    return differing


_spec = importlib.util.spec_from_file_location("settings", Path(__file__).with_name("settings.py"))
assert _spec and _spec.loader
_settings = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_settings)


@pytest.fixture
def settings() -> ModuleType:
    """settings.py, which processes of their own import too."""
    return _settings


@pytest.fixture
def training() -> type:
    return _settings.Training


def start(program: str, mode: str, folder: Path) -> None:
    """Runs the processes; leaves the result of each rank in `folder`, or their errors."""
    name = f"{program}.{mode}"
    arguments = [str(WORLD), str(folder / f"{name}.store"), mode, str(folder / name)]
    script = [sys.executable, str(Path(__file__).with_name(program))]
    ranks = [
        subprocess.Popen([*script, str(rank), *arguments], stderr=subprocess.PIPE, text=True)
        for rank in range(WORLD)
    ]
    try:
        errors = [process.communicate(timeout=480)[1] for process in ranks]
    finally:
        for process in ranks:
            process.kill()
    failed = any(process.returncode for process in ranks)
    (folder / f"{name}.errors").write_text("\n".join(e[-3000:] for e in errors) if failed else "")


@pytest.fixture(scope="session")
def processes(tmp_path_factory):
    """(program, mode) -> the result of each rank: one start of the processes in a session.

    Also where pytest itself runs in several processes, and if the processes fail.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder

    @cache
    def results(program, mode):
        errors = folder / f"{program}.{mode}.errors"
        with FileLock(folder / f"{program}.{mode}.lock"):
            if not errors.exists():
                start(program, mode, folder)
        if errors.read_text():
            return errors.read_text()
        return [torch.load(folder / f"{program}.{mode}.{rank}") for rank in range(WORLD)]

    def get(program, mode=""):
        found = results(program, mode)
        assert not isinstance(found, str), found
        return found

    return get
