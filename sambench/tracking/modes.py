"""Where runs go: to W&B's server, into files, or nowhere."""

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


def mode(asked: str | None) -> Mode:
    """What --wandb asks, else WANDB_MODE, else offline."""
    chosen = asked or os.environ.get("WANDB_MODE") or "offline"
    if chosen not in MODES:
        where = "--wandb" if asked else "WANDB_MODE"
        raise UserError(f"{where}: unknown mode {chosen!r}, {nearest(chosen, MODES)}")
    return MODES[chosen]
