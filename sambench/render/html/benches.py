"""Benchmarks of devices as tables of the page."""

from collections.abc import Mapping, Sequence

from sambench.analysis import numbers
from sambench.bench import Bench, Cost, costs
from sambench.render.html.cells import Cell, Table, columns, number, text
from sambench.render.markdown import costs as costs_page

NUMBERS = ("step, ms", "time over plain", "quartiles", "gradients a step", "images/s")
MEMORY = ("memory over plain", "copies")


def tables(benches: Mapping[str, Sequence[Bench]]) -> list[Table]:
    """What a step costs, a table per setting."""
    return [_table(bench) for found in benches.values() for bench in found]


def _table(bench: Bench) -> Table:
    heads = columns("optimizer", *NUMBERS, *MEMORY, numbers=(*NUMBERS, *MEMORY))
    lines = [_line(cost) for cost in costs(bench).variants]
    after = f"{bench.command}; {bench.date}, commit {bench.commit}"
    return Table(costs_page.title(bench), heads, lines, after=after, notes=bench.notes)


def _line(cost: Cost) -> list[Cell]:
    ratio, copies = cost.ratio, cost.copies
    return [
        text(cost.name),
        number(f"{1e3 * cost.step_s:.4g}", cost.step_s),
        number(f"{ratio.median:.2f}", ratio.median),
        number(f"{ratio.low:.2f} to {ratio.high:.2f}", ratio.low),
        number(f"{cost.passes:.3g}", cost.passes),
        number(numbers.count(cost.images_per_s), cost.images_per_s),
        number(numbers.ratio(cost.memory), cost.memory),
        number("-" if copies is None else f"{copies:+z.2f}", copies),
    ]
