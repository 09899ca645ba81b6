"""A study as W&B sweeps: one file per variant, each of which has its own ranges."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from sambench.config import Arm, Space, Study
from sambench.errors import UserError, nearest
from sambench.files import write_atomically
from sambench.study import PRUNE_FROM
from sambench.sweeps import spec

METRIC = "val_accuracy"


def files(
    study: Study,
    source: str,
    root: Path,
    *,
    labels: Sequence[str] = (),
    overrides: Sequence[str] = (),
    device: str = "auto",
) -> dict[Path, dict[str, Any]]:
    """The sweep of every variant, or of those named, by the path of its file.

    source: the study's name or path, for the command of the sweep
    """
    arms = {arm.label: arm for arm in study.arms()}
    for label in labels:
        if label not in arms:
            raise UserError(f"--variant: no variant {label!r}, {nearest(label, arms)}")
    where = str(Path(source).resolve()) if Path(source).is_file() else source
    words = [where, *(word for override in overrides for word in ("--set", override))]
    words += ["--device", device, "--root", str(root.resolve())]
    folder = root / study.name
    return {
        folder / f"sweep-{label}.yaml": sweep(study, arms[label], words)
        for label in (labels or arms)
    }


def sweep(study: Study, arm: Arm, words: Sequence[str]) -> dict[str, Any]:
    """One variant's sweep; `words` are the arguments of `sambench trial`."""
    adaptive = study.search.sampler in ("tpe", "gp")
    found = {
        "name": f"{study.name}/{arm.label}",
        "description": study.question or f"{arm.label} on {study.name}",
        "project": "sambench",
        "method": "bayes" if adaptive else "random",
        "metric": {"name": METRIC, "goal": "maximize"},
        "parameters": {
            "rho" if name == arm.radius else name: parameter(space)
            for name, space in arm.space.items()
        },
        "run_cap": study.search.trials,
        "command": [
            "${env}",
            sys.executable,
            "-m",
            "sambench",
            "trial",
            *words,
            "--variant",
            arm.label,
            "${args}",
        ],
    }
    if not why_not_early(study, arm):
        found["early_terminate"] = {"type": "hyperband", "min_iter": first_band(study)}
    spec.parse(found)
    return found


def parameter(space: Space) -> dict[str, Any]:
    """The same range in W&B's words."""
    if space.choices is not None:
        return {"values": list(space.choices)}
    (low, high), whole = space.bounds, space.is_whole
    kind = "int_uniform" if whole else "uniform"
    if space.log:
        kind = "q_log_uniform_values" if whole else "log_uniform_values"
    return {
        "distribution": kind,
        "min": low,
        "max": high,
        **({"q": 1} if space.log and whole else {}),
    }


def first_band(study: Study) -> int:
    """The epoch before which the study prunes nothing."""
    return max(1, math.ceil(PRUNE_FROM / 100 * study.train.epochs))


def why_not_early(study: Study, arm: Arm) -> str:
    """Why a sweep has no early_terminate; empty if it has."""
    if study.search.pruner == "none":
        return "the study prunes nothing (search.pruner)"
    if "epochs_factor" in arm.space:
        return "its runs have schedules of different lengths"
    if first_band(study) >= study.train.epochs:
        return "its runs are too short"
    return ""


HEAD = "# Made by `sambench sweep export`. Then: wandb sweep FILE, wandb agent ID.\n"


def write(found: dict[Path, dict[str, Any]]) -> None:
    """UserError, and nothing is written, if one of the files is not ours."""
    for path in found:
        if path.exists() and not path.read_bytes().startswith(HEAD.encode()):
            raise UserError(f"{path} is not from `sweep export`; move it away")
    for path, content in found.items():
        write_atomically(path, HEAD + yaml.safe_dump(content, sort_keys=False, width=100))
