"""The list of all published studies and benchmarks."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sambench.analysis import PublishedStudies, PublishedStudy
from sambench.bench import Bench
from sambench.render import ownership, texts
from sambench.render.damage_report import summary
from sambench.render.markdown.table import markdown
from sambench.render.tables import over_tasks
from sambench.render.tables.benchmarks import title

INTRO = f"# Leaderboards\n\nOne page per study, {ownership.INDEX}.\n"


class Pages(NamedTuple):
    """File names (without suffix) of other benchmarks; empty where there are none."""

    scale: str = ""
    """of studies' own cost"""
    prices: str = ""
    """of measures"""
    trials: str = ""
    """of a study's trials beside a script's"""
    streaming: tuple[str, ...] = ()
    """of pictures in files, one for each device"""


NONE = Pages()


def render(
    studies: PublishedStudies, benches: Mapping[str, Sequence[Bench]], pages: Pages = NONE
) -> str:
    """The index in markdown, by file name (without suffix)."""
    entries = {name: _entry(name, study) for name, study in studies.read.items()}
    entries |= {
        name: f"- {texts.markdown(name)}: its records cannot be read\n"
        for name in studies.unreadable
    }
    parts = [INTRO, *(entries[name] for name in sorted(entries))]
    parts += _across(list(studies.read.values()))
    if benches:
        parts += ["## What a step costs\n", *(_costs(name, benches[name]) for name in benches)]
    titles = (
        "What a run costs beside its training",
        "What measures of weights cost",
        "What a trial takes beside one by hand",
    )
    for heading, page in zip(titles, pages[:-1], strict=True):
        parts += [f"## {heading}\n", f"- [{page}]({page}.md)\n"] if page else []
    if pages.streaming:
        links = (f"- [{page}]({page}.md)" for page in pages.streaming)
        parts += ["## How fast pictures come\n", *links, ""]
    return "\n".join(parts)


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


def _costs(name: str, benches: Sequence[Bench]) -> str:
    lines = [
        f"- [{name}]({name}.md)",
        *(texts.markdown(f"{title(bench)}, {bench.date}") for bench in benches),
    ]
    return "  \n  ".join(lines) + "\n"
