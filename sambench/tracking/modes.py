"""Where runs go: to W&B's server, into files, or nowhere; and which of them."""

import os
from typing import Literal

from sambench.errors import UserError, nearest

Mode = Literal["online", "offline", "disabled"]

MODES: dict[str, Mode] = {
    "online": "online",
    "offline": "offline",
    "disabled": "disabled",
    "run": "online",  # W&B's older words
    "dryrun": "offline",
}

STAGES: dict[str, frozenset[str]] = {
    "all": frozenset({"pool", "confirm", "setting"}),
    "confirm": frozenset({"confirm", "setting"}),
    "none": frozenset(),
}
"""Which runs of a study W&B gets, beside the study's own; what they are called -> their stages."""


def mode(asked: str | None) -> Mode:
    """What --wandb asks, else WANDB_MODE, else offline."""
    chosen = asked or os.environ.get("WANDB_MODE") or "offline"
    if chosen not in MODES:
        where = "--wandb" if asked else "WANDB_MODE"
        raise UserError(f"{where}: unknown mode {chosen!r}, {nearest(chosen, MODES)}")
    return MODES[chosen]


def stages(asked: str) -> frozenset[str]:
    """What --wandb-runs asks for."""
    if asked not in STAGES:
        raise UserError(f"--wandb-runs: unknown choice {asked!r}, {nearest(asked, STAGES)}")
    return STAGES[asked]
