"""Settings shared by all tests: deterministic, one thread, no network."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: else threads wait at full speed
os.environ.setdefault("WANDB_MODE", "disabled")
os.environ.setdefault("WANDB_SILENT", "true")

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.warm_python import served


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tests run in parallel, a process per core; reductions must not depend on the thread count."""
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def warm_python() -> Iterator[str]:
    """Stands for `sys.executable`, where a test is not about how a process begins."""
    with tempfile.TemporaryDirectory(prefix="warm-") as folder, served(Path(folder)) as python:
        yield python
