"""The list of all published studies and benchmarks."""

from collections.abc import Mapping, Sequence

from sambench.report.analysis import Analysis
from sambench.report.costs_page import title
from sambench.timings import Bench

INTRO = """# Leaderboards

One page per study, generated from the records beside it by `python -m sambench leaderboard`.
"""


def render(studies: Mapping[str, Analysis], benches: Mapping[str, Sequence[Bench]]) -> str:
    """The index in markdown, by file name (without suffix)."""
    parts = [INTRO, *(_entry(name, studies[name]) for name in sorted(studies))]
    if benches:
        parts += ["## What a step costs\n", *(_costs(name, benches[name]) for name in benches)]
    return "\n".join(parts)


def _entry(name: str, analysis: Analysis) -> str:
    lines = [
        f"- [{name}]({name}.md), {analysis.header['date']}",
        analysis.question,
        analysis.headline,
    ]
    return "  \n  ".join(line for line in lines if line) + "\n"


def _costs(name: str, benches: Sequence[Bench]) -> str:
    lines = [f"- [{name}]({name}.md)", *(f"{title(bench)}, {bench.date}" for bench in benches)]
    return "  \n  ".join(lines) + "\n"
