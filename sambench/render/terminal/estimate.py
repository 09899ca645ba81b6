"""A study's plan for a terminal."""

from typing import TYPE_CHECKING

from rich.console import RenderableType

from sambench.analysis import duration
from sambench.render.terminal.table import labelled

if TYPE_CHECKING:
    from sambench.study import Plan


def render(plan: "Plan") -> RenderableType:
    """What `--dry-run` prints."""
    per = f"{1000 * plan.seconds_per_evaluation:.1f} ms per evaluation, measured here"
    lines = {
        "study": f"{plan.study}: {', '.join(plan.variants)}",
        "trials": f"{plan.search_trials} search, {plan.finalist_runs} finalists, "
        f"{plan.confirm_runs} confirm",
        "gradient evaluations": f"{plan.gradient_evaluations:,.0f} expected",
        "expected time": f"{duration(plan.expected_s)} with {plan.workers} workers ({per})",
        "W&B runs": f"{plan.wandb_runs} ({plan.wandb_mode})",
    }
    return labelled(lines)
