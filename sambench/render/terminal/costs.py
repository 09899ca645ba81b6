"""The tables of a benchmark for a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from sambench.bench import Bench, costs
from sambench.render.markdown import costs as page
from sambench.render.terminal.leaderboard import fitted


def render(bench: Bench) -> RenderableType:
    """What the page of the device says of it."""
    found = costs(bench)
    return Group(
        Text(f"{page.title(bench)}\n", style="bold"),
        fitted(page.STEPS, [page.step_cells(cost) for cost in found.variants]),
        Text(f"\n{page.outside_line(bench)}\n"),
        fitted(page.OUTSIDE, [page.outside_cells(outside) for outside in found.outside]),
        Text(f"\n{page.loop_line(found)} {page.peers_line(bench, found)}"),
        *(
            [fitted(page.TRAINING, [page.epoch_cells(epoch) for epoch in found.training])]
            if found.training
            else []
        ),
        *(Text(f"! {note}", style="yellow") for note in bench.notes),
    )
