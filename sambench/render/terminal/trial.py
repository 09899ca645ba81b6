"""A single trial for a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from sambench.analysis import duration
from sambench.render import noise
from sambench.render.terminal.table import labelled


def render(found: Mapping[str, Any]) -> RenderableType:
    """What was run, how it ended, and what it cost."""
    settings = {"lr": found["lr"], **found["hyperparameters"]}
    point = "" if found["point"] is None else f", point {found['point']} of its pool"
    rows = {
        "run": f"{found['variant']} on {found['study']}{point}, {found['epochs']} epochs",
        "settings": ", ".join(f"{name} {value}" for name, value in settings.items()),
        "outcome": f"{found['outcome']} {found['reason']}".strip(),
    }
    if found["val_accuracy"] is not None:
        rows["validation"] = f"{found['val_accuracy']:.2%} accuracy, loss {found['val_loss']:.4f}"
        if told := noise.told(found["label_noise"]):
            rows["labels"] = told
        rows["training"] = f"loss {found['train_loss']:.4f}"
    if found["step_time_s"] is not None:
        rows["cost"] = (
            f"{found['gradient_evaluations']:,.0f} gradient evaluations, "
            f"{1000 * found['step_time_s']:.1f} ms a step, {duration(found['wall_s'])} in all"
        )
    return labelled(rows)
