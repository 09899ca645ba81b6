"""A run to track, and a world without network, keys or W&B settings of its own."""

import sys
from pathlib import Path
from typing import Any

import pytest

from sambench import config, seeds
from sambench.training.run import Run

sys.path.insert(0, str(Path(__file__).parents[1]))  # wandb_files, wandb_server


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_PROJECT", "WANDB_ENTITY", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(home))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(home))
    monkeypatch.setenv("WANDB_DATA_DIR", str(home))
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def run_(spec: dict[str, Any]) -> Run:
    study = config.parse(spec)
    rho = {"rho": 0.05}
    streams = seeds.derive(0, "confirm", 3, 1)
    return Run(study, "sam", "sam", "confirm", 3, 1, streams, 0.1, rho, 3, "rho")
