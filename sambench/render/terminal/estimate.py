"""A study's plan for a terminal."""

from typing import TYPE_CHECKING

from rich.console import RenderableType

from sambench.analysis import duration, numbers
from sambench.render.terminal.table import labelled

if TYPE_CHECKING:
    from sambench.study import Plan


def render(plan: "Plan") -> RenderableType:
    """What `--dry-run` prints."""
    per = f"{1000 * plan.seconds_per_evaluation:.1f} ms per evaluation, measured here"
    workers = numbers.times(plan.workers, "worker")
    afforded = ", ".join(f"{label} {trials:.3g}" for label, trials in plan.trials.items())
    runs = plan.pool_runs + plan.confirm_runs + plan.setting_runs
    lines = {
        "study": f"{plan.study}: {', '.join(plan.variants)}",
        "trials afforded": afforded,
        "runs": f"{runs}: {plan.pool_runs} of pools, {plan.confirm_runs} reruns, "
        f"{plan.setting_runs} of settings",
        "gradient evaluations": f"{plan.gradient_evaluations:,.0f} expected",
        "expected time": f"{duration(plan.expected_s)} with {workers} ({per})",
        **_measures(plan),
        **({"beware": "; ".join(plan.shortcomings)} if plan.shortcomings else {}),
        **_separates(plan),
        "W&B runs": f"{plan.wandb_runs} ({plan.wandb_mode})",
    }
    return labelled(lines)


def _measures(plan: "Plan") -> dict[str, str]:
    """What is measured of the weights, or could be, and its price."""
    if not plan.measure_s:
        return {}
    known = numbers.times(plan.measures_known, "run")
    by = f"as {known} took" if plan.measures_known else "by the evaluations that they declare"
    num = plan.measured_runs or plan.confirm_runs + plan.setting_runs
    more = f"{duration(num * plan.measure_s / plan.workers)} more"
    price = f"{more}: {num} runs x {plan.measure_s:.3g} s, {by}"
    return {"measures": price if plan.measured_runs else f"none; with [measure] of all {price}"}


def _separates(plan: "Plan") -> dict[str, str]:
    """Which size would separate how much, by the runs so far."""
    if not plan.separates:
        return {}
    sizes = [
        f"{amount}: {'more than 1000' if size is None else size}"
        for amount, size in plan.separates.items()
    ]
    return {"to separate": f"{'; '.join(sizes)} searches (this study has {plan.searches})"}
