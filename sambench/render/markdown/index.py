"""The list of all published studies and benchmarks."""

from collections.abc import Mapping, Sequence

from sambench.analysis import Leaderboard, PublishedStudies, PublishedStudy
from sambench.bench import Bench
from sambench.render import ownership, texts
from sambench.render.damage_report import summary
from sambench.render.markdown.table import markdown
from sambench.render.tables import over_studies
from sambench.render.tables.benchmarks import title

INTRO = f"# Leaderboards\n\nOne page per study, {ownership.INDEX}.\n"


def render(studies: PublishedStudies, benches: Mapping[str, Sequence[Bench]]) -> str:
    """The index in markdown, by file name (without suffix)."""
    entries = {name: _entry(name, study.leaderboard) for name, study in studies.read.items()}
    entries |= {
        name: f"- {texts.markdown(name)}: its records cannot be read\n"
        for name in studies.unreadable
    }
    parts = [INTRO, *(entries[name] for name in sorted(entries))]
    parts += _across(list(studies.read.values()))
    if benches:
        parts += ["## What a step costs\n", *(_costs(name, benches[name]) for name in benches)]
    return "\n".join(parts)


def _across(studies: Sequence[PublishedStudy]) -> list[str]:
    """What variants did over all studies that have them, where there are enough studies."""
    found = over_studies.overall(studies)
    if not found:
        return []
    told = (
        f"The variants that all {found[0].studies} studies have. Mean rank: by mean test "
        "accuracy, 1 is best. IQM: interquartile mean in points, paired by seed; its interval "
        "speaks for new seeds on these studies, not for other studies.\n"
    )
    return ["## Across studies\n", f"{markdown(over_studies.short(found))}\n", told]


def _entry(name: str, leaderboard: Leaderboard) -> str:
    lines = [
        f"- [{name}]({name}.md), {leaderboard.header['date']}",
        texts.markdown(leaderboard.question),
        leaderboard.headline,
        summary(leaderboard),
    ]
    return "  \n  ".join(line for line in lines if line) + "\n"


def _costs(name: str, benches: Sequence[Bench]) -> str:
    lines = [
        f"- [{name}]({name}.md)",
        *(texts.markdown(f"{title(bench)}, {bench.date}") for bench in benches),
    ]
    return "  \n  ".join(lines) + "\n"
