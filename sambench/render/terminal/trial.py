"""A single trial for a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from sambench.analysis import duration, numbers
from sambench.render import noise
from sambench.render.terminal.table import labelled
from sambench.scores import Score


def render(found: Mapping[str, Any], decides: Score) -> RenderableType:
    """What was run, how it ended, and what it cost; `decides`: the score of the objective."""
    settings = {"lr": found["lr"], **found["hyperparameters"]}
    point = "" if found["point"] is None else f", point {found['point']} of its pool"
    rows = {
        "run": f"{found['variant']} on {found['study']}{point}, {found['epochs']} epochs",
        "settings": ", ".join(f"{name} {value}" for name, value in settings.items()),
        "outcome": f"{found['outcome']} {found['reason']}".strip(),
    }
    value = found[f"val_{decides.name}"]
    if value is not None:
        loss = found.get("val_loss")
        also = "" if loss is None else f", loss {loss:.4f}"
        rows["validation"] = f"{numbers.told(value, decides)} {decides.words}{also}"
        if told := noise.told(found["label_noise"], decides):
            rows["labels"] = told
        rows["training"] = f"loss {found['train_loss']:.4f}"
    if found["step_time_s"] is not None:
        rows["cost"] = (
            f"{found['gradient_evaluations']:,.0f} gradient evaluations, "
            f"{1000 * found['step_time_s']:.1f} ms a step, {duration(found['wall_s'])} in all"
        )
    return labelled(rows)
