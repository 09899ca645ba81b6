"""The list of all published studies and benchmarks."""

from collections.abc import Mapping, Sequence

from sambench.report.analysis import Analysis
from sambench.report.boards import Boards
from sambench.report.costs_page import title
from sambench.report.damages import summary
from sambench.timings import Bench

INTRO = """# Leaderboards

One page per study, generated from the records beside it by `python -m sambench leaderboard`.
"""


def render(boards: Boards, benches: Mapping[str, Sequence[Bench]]) -> str:
    """The index in markdown, by file name (without suffix)."""
    entries = {name: _entry(name, board.analysis) for name, board in boards.read.items()}
    entries |= {name: f"- {name}: its records cannot be read\n" for name in boards.unreadable}
    parts = [INTRO, *(entries[name] for name in sorted(entries))]
    if benches:
        parts += ["## What a step costs\n", *(_costs(name, benches[name]) for name in benches)]
    return "\n".join(parts)


def _entry(name: str, analysis: Analysis) -> str:
    lines = [
        f"- [{name}]({name}.md), {analysis.header['date']}",
        analysis.question,
        analysis.headline,
        summary(analysis),
    ]
    return "  \n  ".join(line for line in lines if line) + "\n"


def _costs(name: str, benches: Sequence[Bench]) -> str:
    lines = [f"- [{name}]({name}.md)", *(f"{title(bench)}, {bench.date}" for bench in benches)]
    return "  \n  ".join(lines) + "\n"
