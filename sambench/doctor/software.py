"""Python, sambench, torch, and the GPUs that torch sees."""

import importlib.metadata
import json
import platform
import re
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Any

from sambench.doctor import programs
from sambench.doctor.check import Asked, Finding, ok, problem

OLDEST_PYTHON = (3, 11)
OLDEST_TORCH = (2, 9)
TORCH_S = 90.0  # a cold disk takes its time
SMI_S = 15.0
GET_TORCH = "install one for your machine: https://pytorch.org/get-started/locally/"
PROBE = """
import json, torch
found = {"version": torch.__version__, "cuda": torch.version.cuda, "devices": []}
try:
    for i in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(i)
        torch.zeros(1, device=f"cuda:{i}")
        found["devices"].append([torch.cuda.get_device_name(i), free, total])
except Exception as error:
    found["error"] = str(error).strip().splitlines()[0]
print(json.dumps(found))
"""


def python(asked: Asked) -> Finding:
    words = f"{platform.python_version()}, {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return problem(words, "sambench needs Python 3.11 or newer: uv venv --python 3.12")
    return ok(words)


def sambench(asked: Asked) -> Finding:
    place = Path(__file__).parents[1]
    try:
        return ok(f"{importlib.metadata.version('sambench')}, {place}")
    except importlib.metadata.PackageNotFoundError:
        return ok(f"not installed, used from {place}")


def torch(asked: Asked) -> Finding:
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return problem("not installed", "pip install 'torch>=2.9'")
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST_TORCH:
        return problem(f"{version} is too old", "pip install --upgrade 'torch>=2.9'")
    found = _probe()
    if "version" not in found:
        return problem(f"{version} cannot be imported: {found['error']}", GET_TORCH)
    return ok(str(found["version"]))


def gpu(asked: Asked) -> Finding:
    found, (driver, seen) = _probe(), _driver()
    devices = found.get("devices", [])
    if found.get("error") and seen:
        return problem(
            f"torch fails on {seen[0]}: {found['error']}",
            f"update driver {driver} for CUDA {found.get('cuda')}, or {GET_TORCH}",
        )
    if seen and not devices:
        built = (
            f"built for CUDA {found['cuda']}" if found.get("cuda") else "built for the CPU alone"
        )
        return problem(
            f"driver {driver} has {seen[0]}, and torch, {built}, sees none",
            f"unset CUDA_VISIBLE_DEVICES, or {GET_TORCH}",
        )
    if not devices:
        return ok("none: studies run on the CPU")
    names = [
        f"{name} ({free / 2**30:.0f} of {total / 2**30:.0f} GiB free)"
        for name, free, total in devices
    ]
    return ok(f"{', '.join(names)}, CUDA {found['cuda']}, driver {driver or 'unknown'}")


@cache
def _probe() -> dict[str, Any]:
    """What torch says of itself and of its devices, in a process that may crash."""
    answer = programs.python(PROBE, within_s=TORCH_S)
    try:
        return json.loads(answer.out.strip().splitlines()[-1])
    except (ValueError, IndexError):
        why = programs.last_line(answer.err) or f"its process ended with {answer.code}"
        return {"error": why}


def _driver() -> tuple[str, list[str]]:
    """Version of the driver, and the GPUs that it has."""
    if shutil.which("nvidia-smi") is None:
        return "", []
    query = ["nvidia-smi", "--query-gpu=driver_version,name", "--format=csv,noheader"]
    answer = programs.ask(query, SMI_S)
    rows = [line.split(", ", 1) for line in answer.out.splitlines() if ", " in line]
    if answer.code != 0 or not rows:
        return "", []
    return rows[0][0], [name for _, name in rows]
