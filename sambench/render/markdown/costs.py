"""Benchmarks of a device as a page in markdown."""

from collections.abc import Mapping, Sequence

from sambench.bench import Bench, Costs, costs
from sambench.render import ownership, texts
from sambench.render.markdown.table import markdown
from sambench.render.tables import benchmarks

LEGEND = (
    "All competitors of a table took turns in one process, in an order drawn anew each turn. "
    "Ratios are taken within a round: median over rounds [quartiles].",
    "passes: gradient evaluations of a step, counted. copies: peak memory beyond plain's on this "
    "model and batch, in copies of the parameters; `python -m sambench variants` prints the most "
    "that it can be, where activations take next to nothing.",
)


def render(name: str, benches: Sequence[Bench]) -> str:
    """The page of a device; the same benchmarks give the same bytes."""
    head = [f"# {name}", ownership.COSTS]
    parts = [*head, bullets(LEGEND), *(part for bench in benches for part in _section(bench))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(bench: Bench) -> list[str]:
    found = costs(bench)
    return [
        f"## {texts.markdown(benchmarks.title(bench))}",
        markdown(benchmarks.steps(found)),
        outside_line(bench),
        markdown(benchmarks.outside(found)),
        loop_line(found),
        peers_line(bench, found),
        markdown(benchmarks.training(found)) if found.training else "",
        f"    {texts.command(bench.command)}",
        bullets([*bench.notes, *_origin(bench)]),
    ]


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
        f"host: {pairs(bench.host)}",
        f"versions: {pairs(bench.versions)}",
    ]


def pairs(found: Mapping[str, object]) -> str:
    """Names and values in a line."""
    return ", ".join(f"{name} {value}" for name, value in found.items())


def bullets(sentences: Sequence[str]) -> str:
    """A list of sentences."""
    return "\n".join(f"- {texts.markdown(sentence)}" for sentence in sentences)
