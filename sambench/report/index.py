"""The list of all published studies."""

from collections.abc import Mapping

from sambench.report.analysis import Analysis

INTRO = """# Leaderboards

One page per study, generated from the records beside it by `python -m sambench leaderboard`.
"""


def render(studies: Mapping[str, Analysis]) -> str:
    """The index in markdown, by file name (without suffix)."""
    return "\n".join([INTRO, *(_entry(name, studies[name]) for name in sorted(studies))])


def _entry(name: str, analysis: Analysis) -> str:
    lines = [
        f"- [{name}]({name}.md), {analysis.header['date']}",
        analysis.question,
        analysis.headline,
    ]
    return "  \n  ".join(line for line in lines if line) + "\n"
