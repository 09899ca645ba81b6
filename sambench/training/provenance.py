"""Where a study's results come from: code, versions, machine, date."""

import importlib.metadata
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import torch

from sambench.training import device

PACKAGES = ("sambench", "torch", "torchvision", "timm", "optuna", "numpy", "scipy", "scikit-learn")


def versions() -> dict[str, str]:
    """Versions of everything that can move a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def hardware() -> dict[str, str | int]:
    """The host, and how torch was told to compute on it."""
    return {
        **device.hardware(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "float32 matmul": torch.get_float32_matmul_precision(),
    }


def load() -> float:
    """Processes that wanted a core in the last minute, on average."""
    return round(os.getloadavg()[0], 2)


def commit() -> str:
    """The commit of sambench's checkout, "+changes" if files differ from it; else "unknown"."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return "unknown"
    revision = _git(root, "rev-parse", "--short=12", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", "*.py", "*.toml")
    return f"{revision}{'+changes' if changed else ''}" if revision else "unknown"


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def date(newest: Path | None) -> str:
    """The day on which a file was written, UTC, or today."""
    seconds = newest.stat().st_mtime if newest else datetime.now(UTC).timestamp()
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
