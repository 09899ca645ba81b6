"""A study as W&B sweeps, one file per arm.

A sweep over the points of an arm's pool *is* the study's own search. Where a study has no pool, an
adaptive sampler's ranges become a sweep of W&B's own: its trials are shown, and rank nothing.
"""

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from sambench.config import Arm, Space, Study
from sambench.errors import UserError, nearest
from sambench.files import write_atomically
from sambench.study import PRUNE_FROM, StudyFolder
from sambench.sweeps import sweep_file

Content = dict[str, object]


def files(
    folder: StudyFolder,
    source: str,
    *,
    labels: Sequence[str] = (),
    words: Sequence[str] = (),
    device: str = "auto",
) -> dict[Path, Content]:
    """The sweep of every arm, or of those named, by the path of its file.

    source: the study's name or path, for the command of the sweep
    words: further ones of that command
    """
    folder.check()
    study, arms = folder.study, folder.arms
    for label in labels:
        if label not in arms:
            raise UserError(f"--variant: no variant {label!r}, {nearest(label, arms)}")
    if not any(arm.space for arm in arms.values()):
        raise UserError(f"{study.name} searches nothing: it has no sweep")
    where = str(Path(source).resolve()) if Path(source).is_file() else source
    root = str(folder.path.parent.resolve())
    words = [where, *words, "--device", device, "--root", root]
    swept = [label for label in labels or arms if arms[label].space or _has_pools(study)]
    return {
        folder.path / f"sweep-{label}.yaml": sweep(study, arms[label], words) for label in swept
    }


def _has_pools(study: Study) -> bool:
    return study.search.sampler == "random"


def sweep(study: Study, arm: Arm, words: Sequence[str]) -> Content:
    """One arm's sweep; `words` are the arguments of `sambench trial`."""
    decides = study.task.decides
    found: Content = {
        "name": f"{study.name}/{arm.label}",
        "description": study.question or f"{arm.label} on {study.name}",
        "project": "sambench",
        "metric": {"name": f"val_{decides.name}", "goal": decides.direction},
        **(_pool(study, arm) if _has_pools(study) else _adaptive(study, arm)),
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
    sweep_file.parse(found)
    return found


def _pool(study: Study, arm: Arm) -> Content:
    every = list(range(study.points(arm)))
    return {"method": "grid", "parameters": {"point": {"values": every}}}


def _adaptive(study: Study, arm: Arm) -> Content:
    found: Content = {
        "method": "bayes",
        "parameters": {
            "rho" if name == arm.radius else name: parameter(space)
            for name, space in arm.space.items()
        },
        "run_cap": study.points(arm),
    }
    if first := first_band(study, arm):
        found["early_terminate"] = {"type": "hyperband", "min_iter": first}
    return found


def parameter(space: Space) -> Content:
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


def first_band(study: Study, arm: Arm) -> int | None:
    """The epoch before which the study prunes nothing; None if it never does."""
    first = max(1, math.ceil(PRUNE_FROM / 100 * arm.epochs))
    return None if study.search.pruner == "none" or first >= arm.epochs else first


HEAD = "# Made by `sambench sweep export`. Then: wandb sweep FILE, wandb agent ID.\n"
HERE = (
    "# The command has this machine's Python and folder of runs: agents elsewhere need both at\n"
    "# the same paths, or an export of their own.\n"
)


def write(found: dict[Path, Content]) -> None:
    """UserError, and nothing is written, if one of the files is not ours."""
    for path in found:
        if path.exists() and not path.read_bytes().startswith(HEAD.encode()):
            raise UserError(f"{path} is not from `sweep export`; move it away")
    for path, content in found.items():
        write_atomically(path, HEAD + HERE + yaml.safe_dump(content, sort_keys=False, width=100))
