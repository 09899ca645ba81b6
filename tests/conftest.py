"""Settings shared by all tests: deterministic, one thread, no network."""

import os

os.environ.setdefault("WANDB_MODE", "disabled")
os.environ.setdefault("WANDB_SILENT", "true")

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tests run in parallel, a process per core; reductions must not depend on the thread count."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
