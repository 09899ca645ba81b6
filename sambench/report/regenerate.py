"""From the records of a folder to its pages, tables and index: written, or compared."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sambench import timings
from sambench.report import boards, costs_page, index
from sambench.report.outputs import bring, outputs

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
    so does index.html, which is made where `infos` of the variants are given.
    """
    folder = Path(folder)
    boards.check_names(folder, chosen)
    found = boards.load(folder, boards.names_in(folder))
    picked = chosen or [*found.read, *found.unreadable]
    needed = picked if infos is None else found.read
    every = {name: outputs(name, found.read[name], folder) for name in needed if name in found.read}
    made = {name: own for name, own in every.items() if name in picked}
    texts = {folder / path: text for own in made.values() for path, text in own.texts.items()}
    benches = {path.stem: timings.read(path) for path in sorted(folder.glob("cost-*.json"))}
    texts |= {folder / f"{name}.md": costs_page.render(name, b) for name, b in benches.items()}
    texts[folder / "README.md"] = index.render(found, benches)
    if infos is not None:
        from sambench.report import html

        texts[folder / "index.html"] = html.render(found, every, folder, benches, infos)
    left = [path for own in made.values() for path in own.left(folder)]
    notes = [own.note for own in made.values() if own.note]
    return Report(bring(texts, left, check=check), *found.problems(picked), notes)
