"""The list of all published studies and benchmarks."""

from collections.abc import Sequence

from sambench.analysis import PublishedStudies, PublishedStudy
from sambench.render import ownership, texts
from sambench.render.damage_report import summary
from sambench.render.markdown.benchmark_pages import Benchmarks, listed
from sambench.render.markdown.table import markdown
from sambench.render.tables import over_tasks

INTRO = f"# Leaderboards\n\nOne page per study, {ownership.INDEX}.\n"


def render(studies: PublishedStudies, benchmarks: Benchmarks) -> str:
    """The index in markdown."""
    entries = {name: _entry(name, study) for name, study in studies.read.items()}
    entries |= {
        name: f"- {texts.markdown(name)}: its records cannot be read\n"
        for name in studies.unreadable
    }
    parts = [INTRO, *(entries[name] for name in sorted(entries))]
    return "\n".join([*parts, *_across(list(studies.read.values())), *listed(benchmarks)])


def _across(studies: Sequence[PublishedStudy]) -> list[str]:
    """What variants did over all tasks that rank them, where there are several."""
    found = over_tasks.overall(studies)
    if not found:
        return []
    table = markdown(over_tasks.short(found))
    told = (f"{texts.markdown(line)}\n" for line in over_tasks.legend(studies))
    return ["## Across studies\n", f"{table}\n", *told]


def _entry(name: str, study: PublishedStudy) -> str:
    leaderboard = study.leaderboard
    lines = [
        f"- [{name}]({name}.md), {leaderboard.header['date']}",
        texts.markdown(leaderboard.question),
        leaderboard.headline,
        summary(leaderboard, study.path.name),
    ]
    return "  \n  ".join(line for line in lines if line) + "\n"
