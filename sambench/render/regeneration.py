"""From the records of a folder to its pages, tables and index: written, or compared."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sambench.analysis import published
from sambench.bench import Bench, record
from sambench.errors import UserError
from sambench.render.leaderboards_folder import check_folder, check_names, names_in
from sambench.render.markdown import costs, index
from sambench.render.study_files import study_files, sync

if TYPE_CHECKING:
    from variants import VariantInfo


Infos: TypeAlias = "Mapping[str, VariantInfo] | None"


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

    With `chosen`, the files of those studies only. The index covers all studies in any case, and
    so does index.html, which is made where `infos` of the variants are given. UserError, and
    nothing is written, if the folder holds no records or a file would be replaced that is not ours.
    """
    check_names(Path(folder), chosen)
    folder = check_folder(folder)
    found = published.load(folder, names_in(folder))
    benches, bad_benches = _benches(folder)
    picked = chosen or [*found.read, *found.unreadable]
    needed = picked if infos is None else found.read
    every = published.each(found, lambda name, study: study_files(name, study, folder), needed)
    made = {name: own for name, own in every.items() if name in picked}
    texts = {folder / path: text for own in made.values() for path, text in own.texts.items()}
    texts |= {folder / f"{name}.md": costs.render(name, b) for name, b in benches.items()}
    texts[folder / "README.md"] = index.render(found, benches)
    if infos is not None:
        from sambench.render import html

        texts[folder / "index.html"] = html.render(found, every, folder, benches, infos)
    obsolete = [path for own in made.values() for path in own.obsolete(folder)]
    notes = [own.figures.kept for own in made.values() if own.figures.kept]
    damages, errors = found.problems(picked)
    return Report(sync(texts, obsolete, check=check), damages, [*errors, *bad_benches], notes)


def _benches(folder: Path) -> tuple[dict[str, tuple[Bench, ...]], list[str]]:
    """The benchmarks of a folder by file name, and why others cannot be read."""
    found, errors = {}, []
    for path in sorted(folder.glob("cost-*.json")):
        try:
            found[path.stem] = record.read(published.named(path))
        except UserError as error:
            errors.append(str(error))
    return found, errors
