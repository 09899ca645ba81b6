"""The runs of a local sweep, best first, for a terminal and as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

MOST = 20  # rows; --json has all


def ranked(runs: Sequence[Mapping[str, Any]], goal: str) -> list[Mapping[str, Any]]:
    """By the best value of the metric; runs without one last, by number."""
    sign = -1 if goal == "maximize" else 1

    def place(run: Mapping[str, Any]) -> tuple[bool, float, int]:
        best = run["best"]
        return best is None, 0 if best is None else sign * best, run["number"]

    return sorted(runs, key=place)


def render(runs: Sequence[Mapping[str, Any]], metric: str | None, goal: str) -> RenderableType:
    """A row per run: its config, how it ended, the metric's best and last value."""
    names = sorted({name for run in runs for name in _flat(run["config"])})
    values = [f"best {metric}", "last"] if metric else []
    table = Table("run", "id", *names, "state", *values, box=None, pad_edge=False)
    for run in ranked(runs, goal)[:MOST]:
        config = _flat(run["config"])
        cells = [str(run["number"]), run["run_id"], *(_cell(config.get(n)) for n in names)]
        measured = [_cell(run["best"]), _cell(run["last"])] if metric else []
        table.add_row(*map(Text, [*cells, run["state"], *measured]))
    states = [run["state"] for run in runs]
    counted = ", ".join(f"{states.count(s)} {s}" for s in sorted(set(states)))
    return Group(table, Text(f"\n{len(runs)} runs: {counted or 'none'}"))


def _flat(config: Mapping[str, object], at: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in config.items():
        found |= _flat(value, f"{at}{name}.") if isinstance(value, dict) else {at + name: value}
    return found


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.5g}" if isinstance(value, float) else str(value)
