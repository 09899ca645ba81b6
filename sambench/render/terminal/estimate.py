"""A study's plan for a terminal."""

from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sambench.analysis import duration
from sambench.render.texts import one_line

if TYPE_CHECKING:
    from sambench.study import Plan


def render(plan: "Plan") -> RenderableType:
    """What `--dry-run` prints."""
    per = f"{1000 * plan.seconds_per_evaluation:.1f} ms per evaluation, measured here"
    table = Table(box=None, show_header=False, pad_edge=False)
    rows = {
        "study": f"{plan.study}: {', '.join(plan.variants)}",
        "trials": f"{plan.search_trials} search, {plan.finalist_runs} finalists, "
        f"{plan.confirm_runs} confirm",
        "gradient evaluations": f"{plan.gradient_evaluations:,.0f} expected",
        "expected time": f"{duration(plan.expected_s)} with {plan.workers} workers ({per})",
        "W&B runs": f"{plan.wandb_runs} ({plan.wandb_mode})",
    }
    for name, text in rows.items():
        table.add_row(Text(name, style="bold"), Text(one_line(text)))
    return table
