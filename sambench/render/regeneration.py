"""From the records of a folder to its pages, tables and index: written, or compared."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sambench.analysis import published
from sambench.render.leaderboards_folder import (
    COST,
    check_folder,
    check_names,
    is_of_runs,
    places,
)
from sambench.render.markdown import benchmark_pages, index
from sambench.render.place import INDEX
from sambench.render.study_files import Infos, study_files, sync


@dataclass(frozen=True)
class Report:
    """What `regenerate` did, or with `check` would do."""

    stale: list[Path]
    """files that did not fit the records"""
    damages: list[str]
    """lines of records that do not count, with their file"""
    errors: list[str]
    """records files that cannot be read: their pages are left alone"""
    notes: list[str]
    """what was not compared or not written, and why"""


def regenerate(
    folder: str | Path,
    chosen: Collection[str] = (),
    *,
    check: bool = False,
    infos: Infos = None,
) -> Report:
    """Bring all that is made from the records up to date; with `check` only compare.

    With `chosen`, the files of those studies only; the pages of the whole folder cover all studies
    in any case. The interactive pages are made where `infos` of the variants are given. UserError,
    and nothing is written, if the folder holds no records or a file would be replaced that is not
    ours.
    """
    check_names(Path(folder), chosen)
    folder = check_folder(folder)
    at = places(folder)
    found = published.load({name: place.folder / place.records for name, place in at.items()})
    benchmarks, unreadable = benchmark_pages.read(folder)
    picked = chosen or [*found.read, *found.unreadable]
    made = published.each(found, lambda name, study: study_files(at[name], study, infos), picked)
    texts = {path: text for own in made.values() for path, text in own.texts.items()}
    texts |= {folder / f"{n}.md": page for n, page in benchmark_pages.pages(benchmarks).items()}
    if not is_of_runs(folder):
        texts[folder / "README.md"] = index.render(found, benchmarks)
    if infos is not None:
        from sambench.render import html

        texts[folder / INDEX] = html.index(found, benchmarks[COST], infos)
    obsolete = [path for own in made.values() for path in own.obsolete]
    notes = [own.figures.kept for own in made.values() if own.figures.kept]
    damages, errors = found.problems(picked)
    return Report(sync(texts, obsolete, check=check), damages, [*errors, *unreadable], notes)
