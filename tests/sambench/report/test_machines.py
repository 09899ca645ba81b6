"""The published pages are the same bytes on every machine: other kernels, and other last bits."""

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy._core import _multiarray_umath as umath
from scipy import special

from sambench import cli
from sambench.report.regenerate import regenerate

PUBLISHED = Path(__file__).parents[3] / "leaderboards"
PLAIN = {  # all that this processor has beyond the least
    "ATEN_CPU_CAPABILITY": "default",
    "NPY_DISABLE_CPU_FEATURES": " ".join(
        name for name in umath.__cpu_dispatch__ if umath.__cpu_features__[name]
    ),
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Prescott",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
OTHER = {
    "NPY_DISABLE_CPU_FEATURES": "",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "2",
    "OMP_NUM_THREADS": "2",
}
NOISY = {
    np: ("exp", "log", "log10", "power", "cos", "sin", "mean", "std", "var", "dot", "geomspace"),
    math: ("exp", "log", "log10", "pow", "cos", "sin"),
    special: ("stdtr", "stdtrit", "ndtr", "gammaln"),
}
"""what processors and libraries round in their own ways"""


def records_alone(folder: Path) -> Path:
    """Nothing that is made of the records, so that all of it is made."""
    for path in PUBLISHED.glob("*.csv"):
        shutil.copy(path, folder)
    for path in PUBLISHED.glob("cost-*.json"):
        shutil.copy(path, folder)
    return folder


def differing(folder: Path) -> list[str]:
    """What is not as published."""
    made = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len(made) > 70
    return [
        str(path)
        for path in made
        if (folder / path).read_bytes() != (PUBLISHED / path).read_bytes()
    ]


@pytest.mark.parametrize("machine", [PLAIN, OTHER], ids=["plain", "other"])
def test_other_kernels_make_the_same_bytes(tmp_path: Path, machine: dict[str, str]):
    command = [sys.executable, "-m", "sambench", "leaderboard", "--html", "--folder"]
    folder = records_alone(tmp_path)
    done = subprocess.run(
        [*command, str(folder)],
        env={**os.environ, **machine},
        cwd=PUBLISHED.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert differing(folder) == []


def test_other_last_bits_make_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Up to four units in the last place."""
    noise = np.random.default_rng(0)

    def shaken(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            found = function(*given, **named)
            off = 1 + noise.integers(-4, 5, np.shape(found)) * np.finfo(float).eps
            return found * off if isinstance(found, np.ndarray) else float(found) * float(off)

        return call

    for module, names in NOISY.items():
        for name in names:
            monkeypatch.setattr(module, name, shaken(getattr(module, name)))
    folder = records_alone(tmp_path)
    regenerate(folder, infos=cli._infos())
    assert differing(folder) == []
