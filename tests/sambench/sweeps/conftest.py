"""What sweep tests share: the fake W&B server, and the command line in a process of its own."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent))  # wandb_files, wandb_server


@pytest.fixture(scope="session")
def golden() -> dict[str, Any]:
    """Answers of W&B's own engine, the package sweeps 0.3.0."""
    return json.loads((HERE / "golden.json").read_text())


@pytest.fixture
def wandb_server() -> ModuleType:
    return importlib.import_module("wandb_server")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Ours without W&B's: no login, no network beyond loopback."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WANDB")}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "OMP_NUM_THREADS": "1",
        "WANDB_ERROR_REPORTING": "false",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1",
    }


@pytest.fixture
def sambench(
    tmp_path: Path, environment: dict[str, str], warm_python: str
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `sambench WORDS` in tmp_path."""

    def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [warm_python, "-m", "sambench", *words],
            cwd=tmp_path,
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run
