"""What W&B's agent gives a run: its ids, its config in a file, and the variables that tell it."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as short

import yaml

from sambench.errors import UserError

FLUSH_S = 0.5
"""how often an offline run writes what was logged; W&B's default, 15 s, is late for stopping"""


@dataclass(frozen=True)
class Agent:
    """Whose run a trial is."""

    sweep_id: str
    run_id: str


def called() -> Agent | None:
    """The agent that started this process; None if none did.

    UserError if its ids could not be names of folders.
    """
    sweep_id, run_id = (_id(f"WANDB_{name}") for name in ("SWEEP_ID", "RUN_ID"))
    return Agent(sweep_id, run_id) if sweep_id and run_id else None


def _id(variable: str) -> str:
    found = os.environ.get(variable, "")
    if found and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", found):
        rule = "must be letters, digits, . _ - and at most 128 of them"
        raise UserError(f"{variable}: {rule}, got {short(found)}; agents set it, others unset it")
    return found


@dataclass(frozen=True)
class RunFiles:
    """Where the agent puts the config of a run."""

    yaml: Path
    json: Path


def write_config(
    folder: Path, sweep_id: str, run_id: str, config: Mapping[str, object]
) -> RunFiles:
    """Both forms of a run's config, below WANDB_DIR as the agent has it."""
    base = folder / "wandb" / f"sweep-{sweep_id}"
    base.mkdir(parents=True, exist_ok=True)
    files = RunFiles(base / f"config-{run_id}.yaml", base / f"config-{run_id}.json")
    values = {"wandb_version": 1, **{name: {"value": value} for name, value in config.items()}}
    files.yaml.write_text(yaml.safe_dump(values, sort_keys=False))
    files.json.write_text(json.dumps(config))
    return files


def environment(
    folder: Path, sweep_id: str, run_id: str, params: Path, *, project: str, entity: str | None
) -> dict[str, str]:
    """The environment of a run: `wandb.init()` takes its id, sweep and config from there."""
    env = {k: v for k, v in os.environ.items() if k != "WANDB_SERVICE"}
    return env | {
        "WANDB_SWEEP_ID": sweep_id,
        "WANDB_RUN_ID": run_id,
        "WANDB_SWEEP_PARAM_PATH": str(params),
        "WANDB_PROJECT": project,
        **({"WANDB_ENTITY": entity} if entity else {}),
        "WANDB_DIR": str(folder),
        "WANDB_MODE": "offline",
        "WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL": str(FLUSH_S),
    }
