"""Benchmarks of a device as a page in markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from sambench.analysis import numbers
from sambench.bench import Bench, Cost, Costs, Epoch, Outside, costs
from sambench.render import ownership, texts
from sambench.render.markdown.table import markdown

STEPS = (
    "optimizer",
    "step, ms",
    "time over plain",
    "passes",
    "images/s",
    "memory over plain",
    "copies",
)
TRAINING = ("epoch of", "seconds", "share of the ceiling", "GPU busy")
OUTSIDE = ("SAM", "outside, ms", "ours over it")
LEGEND = (
    "All competitors of a table took turns in one process, in an order drawn anew each turn. "
    "Ratios are taken within a round: median over rounds [quartiles].",
    "passes: gradient evaluations of a step, counted. copies: peak memory beyond plain's, in "
    "copies of the parameters.",
)


def render(name: str, benches: Sequence[Bench]) -> str:
    """The page of a device; the same benchmarks give the same bytes."""
    head = [f"# {name}", ownership.COSTS]
    parts = [*head, _bullets(LEGEND), *(part for bench in benches for part in _section(bench))]
    return "\n\n".join(part for part in parts if part) + "\n"


def title(bench: Bench) -> str:
    """The setting of a benchmark in a line."""
    size = f"{bench.image_size}x{bench.image_size}"
    amp = "float32" if bench.amp == "none" else bench.amp
    batch = f"batch {bench.batch_size}, {amp}, {bench.engine} engine"
    return f"{bench.model} at {size}, {batch}, {bench.hardware}"


def _section(bench: Bench) -> list[str]:
    found = costs(bench)
    return [
        f"## {texts.markdown(title(bench))}",
        markdown(STEPS, [step_cells(cost) for cost in found.variants]),
        outside_line(bench),
        markdown(OUTSIDE, [outside_cells(outside) for outside in found.outside]),
        loop_line(found),
        peers_line(bench, found),
        markdown(TRAINING, [epoch_cells(epoch) for epoch in found.training])
        if found.training
        else "",
        f"    {texts.command(bench.command)}",
        _bullets([*bench.notes, *_origin(bench)]),
    ]


def step_cells(cost: Cost) -> list[str]:
    return [
        cost.name,
        f"{1e3 * cost.step_s:.4g}",
        str(cost.ratio),
        f"{cost.passes:.3g}",
        numbers.count(cost.images_per_s),
        numbers.ratio(cost.memory),
        numbers.NONE if cost.copies is None else f"{cost.copies:+z.2f}",
    ]


def epoch_cells(epoch: Epoch) -> list[str]:
    named = f"{epoch.name}, {epoch.images:,} images"
    return [named, str(epoch.seconds), str(epoch.of_ceiling), f"{epoch.busy:.1%}"]


def outside_cells(outside: Outside) -> list[str]:
    s = outside.seconds
    milliseconds = f"{1e3 * s.median:.2f} [{1e3 * s.low:.2f}, {1e3 * s.high:.2f}]"
    return [outside.name, milliseconds, f"{outside.ours_over_it:.2f}"]


def outside_line(bench: Bench) -> str:
    return (
        "Time outside forward and backward, a step's time minus that of as many bare passes in "
        f"the same rounds (on {bench.outside_batch} images: it does not depend on them, and would "
        "drown in longer passes):"
    )


def loop_line(found: Costs) -> str:
    return f"The suite's loop over a bare one, images per second: {found.loop}."


def peers_line(bench: Bench, found: Costs) -> str:
    """Peers are eager whatever we are, so only then is it more than the table says."""
    if bench.engine == "eager":
        return ""
    ratios = "; ".join(f"{name} {ratio}" for name, ratio in found.peers)
    return f"Step time of others, eager, over ours as graphs: {ratios}."


def _origin(bench: Bench) -> list[str]:
    return [
        f"date {bench.date}, commit {bench.commit}",
        f"{len(bench.loops[0].seconds)} rounds on {bench.hardware}",
        f"host: {_pairs(bench.host)}",
        f"versions: {_pairs(bench.versions)}",
    ]


def _pairs(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items())


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {texts.markdown(sentence)}" for sentence in sentences)
