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

from sambench.cli.variants import infos
from sambench.render.regeneration import regenerate

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


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """All files, as this machine makes them."""
    folder = records_alone(tmp_path_factory.mktemp("here"))
    regenerate(folder, infos=infos())
    return contents(folder)


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def assert_same(found: dict[str, bytes], known: dict[str, bytes]) -> None:
    assert len(found) > 20 and found.keys() == known.keys()
    assert [name for name in known if found[name] != known[name]] == []


@pytest.mark.parametrize("machine", [PLAIN, OTHER], ids=["plain", "other"])
def test_other_kernels_make_the_same_bytes(
    tmp_path: Path, here: dict[str, bytes], machine: dict[str, str]
):
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
    assert_same(contents(folder), here)


class Shaken:
    """A function whose results are off by up to four units in the last place."""

    noise = np.random.default_rng(0)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *given: Any, **named: Any) -> Any:
        found = self._function(*given, **named)
        off = 1 + self.noise.integers(-4, 5, np.shape(found)) * np.finfo(float).eps
        return found * off if isinstance(found, np.ndarray | np.generic) else found * float(off)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)


def test_other_last_bits_make_the_same_bytes(
    tmp_path: Path, here: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
):
    for module, names in NOISY.items():
        for name in names:
            monkeypatch.setattr(module, name, Shaken(getattr(module, name)))
    folder = records_alone(tmp_path)
    regenerate(folder, infos=infos())
    assert_same(contents(folder), here)
