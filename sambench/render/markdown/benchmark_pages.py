"""The kinds of benchmark that a folder of leaderboards may hold, and what is written of each."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sambench.analysis import published
from sambench.bench import Bench, prices, record, scale, streaming, trials
from sambench.errors import UserError
from sambench.render import texts
from sambench.render.leaderboards_folder import COST, MEASURES, SCALE, STREAMING, TRIALS
from sambench.render.markdown import costs as cost_page
from sambench.render.markdown import prices as prices_page
from sambench.render.markdown import scale as scale_page
from sambench.render.markdown import streaming as streaming_page
from sambench.render.markdown import trials as trials_page
from sambench.render.tables import benchmarks

Benchmarks = Mapping[str, Mapping[str, Any]]
"""What was measured, by kind and by file name (without suffix)."""


class Kind(NamedTuple):
    """Its files are KIND-DEVICE.json, each with a page beside it."""

    heading: str
    """in the index"""
    read: Callable[[Path], Any]
    page: Callable[[str, Any], str]
    """in markdown, by its name"""
    about: Callable[[Any], Sequence[str]] = lambda found: ()
    """in the index, besides its name: lines of markdown"""


def _settings(benches: Sequence[Bench]) -> list[str]:
    return [texts.markdown(f"{benchmarks.title(own)}, {own.date}") for own in benches]


KINDS: Mapping[str, Kind] = {
    COST: Kind("What a step costs", record.read, cost_page.render, _settings),
    SCALE: Kind("What a run costs beside its training", scale.read, scale_page.render),
    MEASURES: Kind("What measures of weights cost", prices.read, prices_page.render),
    TRIALS: Kind("What a trial takes beside one by hand", trials.read, trials_page.render),
    STREAMING: Kind("How fast pictures come", streaming.read, streaming_page.render),
}


def read(folder: Path) -> tuple[Benchmarks, list[str]]:
    """The benchmarks of a folder, and why others cannot be read."""
    found: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    errors = []
    for kind, own in KINDS.items():
        for path in sorted(folder.glob(f"{kind}-*.json")):
            try:
                found[kind][path.stem] = own.read(published.named(path, path.stem))
            except UserError as error:
                errors.append(str(error))
    return found, errors


def pages(found: Benchmarks) -> dict[str, str]:
    """Each page in markdown, by its name."""
    return {
        name: KINDS[kind].page(name, one)
        for kind, own in found.items()
        for name, one in own.items()
    }


def listed(found: Benchmarks) -> list[str]:
    """Parts of the index in markdown: a heading for each kind of which there are some."""
    parts = []
    for kind, own in found.items():
        parts += [f"## {KINDS[kind].heading}\n"] if own else []
        for name, one in own.items():
            parts.append("  \n  ".join([f"- [{name}]({name}.md)", *KINDS[kind].about(one)]) + "\n")
    return parts
