"""The tables of a benchmark for a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from sambench.bench import Bench, costs
from sambench.render.markdown import costs as page
from sambench.render.tables import benchmarks
from sambench.render.terminal.table import fitted


def render(bench: Bench) -> RenderableType:
    """What the page of the device says of it."""
    found = costs(bench)
    return Group(
        Text(f"{benchmarks.title(bench)}\n", style="bold"),
        fitted(benchmarks.steps(found)),
        Text(f"\n{page.outside_line(bench)}\n"),
        fitted(benchmarks.outside(found)),
        Text(f"\n{page.loop_line(found)} {page.peers_line(bench, found)}"),
        *([fitted(benchmarks.training(found))] if found.training else []),
        *(Text(f"! {note}", style="yellow") for note in bench.notes),
    )
