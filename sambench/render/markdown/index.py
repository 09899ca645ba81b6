"""The list of all published studies and benchmarks."""

from collections.abc import Mapping, Sequence

from sambench.analysis import NONE, Analysis, Boards, points
from sambench.analysis.tables import across
from sambench.bench import Bench
from sambench.records import Records
from sambench.render import ownership, texts
from sambench.render.damage import summary
from sambench.render.markdown.costs import title
from sambench.render.markdown.table import markdown

INTRO = f"# Leaderboards\n\nOne page per study, {ownership.INDEX}.\n"


def render(boards: Boards, benches: Mapping[str, Sequence[Bench]]) -> str:
    """The index in markdown, by file name (without suffix)."""
    entries = {name: _entry(name, board.analysis) for name, board in boards.read.items()}
    entries |= {
        name: f"- {texts.markdown(name)}: its records cannot be read\n"
        for name in boards.unreadable
    }
    parts = [INTRO, *(entries[name] for name in sorted(entries))]
    parts += _across([board.records for board in boards.read.values()])
    if benches:
        parts += ["## What a step costs\n", *(_costs(name, benches[name]) for name in benches)]
    return "\n".join(parts)


def _across(studies: Sequence[Records]) -> list[str]:
    """What variants did over all studies that have them, where there are enough studies."""
    rows = across.table(studies).to_dict("records")
    if not rows:
        return []
    lines = [
        [
            row["variant"],
            f"{row['mean_rank']:.2f}",
            NONE
            if row["iqm_difference"] != row["iqm_difference"]
            else f"{points(row['iqm_difference'])} [{points(row['low'])}, {points(row['high'])}]",
        ]
        for row in rows
    ]
    columns = ["variant", "mean rank", "IQM of the difference from plain [95% bootstrap]"]
    told = (
        f"The variants that all {rows[0]['studies']} studies have. Mean rank: by mean test "
        "accuracy, 1 is best. IQM: interquartile mean in points, paired by seed; its interval "
        "speaks for new seeds on these studies, not for other studies.\n"
    )
    return ["## Across studies\n", f"{markdown(columns, lines)}\n", told]


def _entry(name: str, analysis: Analysis) -> str:
    lines = [
        f"- [{name}]({name}.md), {analysis.header['date']}",
        texts.markdown(analysis.question),
        analysis.headline,
        summary(analysis),
    ]
    return "  \n  ".join(line for line in lines if line) + "\n"


def _costs(name: str, benches: Sequence[Bench]) -> str:
    lines = [
        f"- [{name}]({name}.md)",
        *(texts.markdown(f"{title(bench)}, {bench.date}") for bench in benches),
    ]
    return "  \n  ".join(lines) + "\n"
