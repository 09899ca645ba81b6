"""From the records of a folder to its pages, tables and index: written, or compared."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sambench.analysis import published
from sambench.bench import prices, record, streaming
from sambench.bench import scale as scales
from sambench.bench import trials as races
from sambench.errors import UserError
from sambench.render.leaderboards_folder import check_folder, check_names, is_of_runs, places
from sambench.render.markdown import costs, index
from sambench.render.markdown import prices as prices_page
from sambench.render.markdown import scale as scale_page
from sambench.render.markdown import streaming as streaming_page
from sambench.render.markdown import trials as trials_page
from sambench.render.place import INDEX
from sambench.render.study_files import Infos, study_files, sync

SCALE = "scale-cpu"
"""Name of the page of what studies cost beside training."""
PRICES = "measures-cpu"
"""And of what measures cost."""
TRIALS = "trials-cpu"
"""And of what a trial takes beside one by hand."""
STREAMING = "streaming"
"""And, before the device, of how fast pictures come."""
T = TypeVar("T")


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
    benches, bad_benches = _all(folder, "cost", record.read)
    streams, bad_streams = _all(folder, STREAMING, streaming.read)
    scale, bad_scale = _read(folder / f"{SCALE}.json", scales.read)
    price, bad_price = _read(folder / f"{PRICES}.json", prices.read)
    raced, bad_race = _read(folder / f"{TRIALS}.json", races.read)
    picked = chosen or [*found.read, *found.unreadable]
    made = published.each(found, lambda name, study: study_files(at[name], study, infos), picked)
    texts = {path: text for own in made.values() for path, text in own.texts.items()}
    texts |= {folder / f"{name}.md": costs.render(name, b) for name, b in benches.items()}
    if scale is not None:
        texts[folder / f"{SCALE}.md"] = scale_page.render(SCALE, scale)
    if price is not None:
        texts[folder / f"{PRICES}.md"] = prices_page.render(PRICES, price)
    if raced is not None:
        texts[folder / f"{TRIALS}.md"] = trials_page.render(TRIALS, raced)
    texts |= {folder / f"{n}.md": streaming_page.render(n, own) for n, own in streams.items()}
    if not is_of_runs(folder):
        pages = index.Pages(
            SCALE if scale else "",
            PRICES if price else "",
            TRIALS if raced else "",
            tuple(streams),
        )
        texts[folder / "README.md"] = index.render(found, benches, pages)
    if infos is not None:
        from sambench.render import html

        texts[folder / INDEX] = html.index(found, benches, infos)
    obsolete = [path for own in made.values() for path in own.obsolete]
    notes = [own.figures.kept for own in made.values() if own.figures.kept]
    damages, errors = found.problems(picked)
    return Report(
        sync(texts, obsolete, check=check),
        damages,
        [*errors, *bad_benches, *bad_scale, *bad_price, *bad_race, *bad_streams],
        notes,
    )


def _all(folder: Path, kind: str, read: Callable[[Path], T]) -> tuple[dict[str, T], list[str]]:
    """The benchmarks of a kind by file name, and why others cannot be read."""
    found, errors = {}, []
    for path in sorted(folder.glob(f"{kind}-*.json")):
        try:
            found[path.stem] = read(published.named(path, path.stem))
        except UserError as error:
            errors.append(str(error))
    return found, errors


def _read(path: Path, read: Callable[[Path], T]) -> tuple[T | None, list[str]]:
    """A benchmark, if it was measured, and why it cannot be read."""
    if not path.exists():
        return None, []
    try:
        return read(path), []
    except UserError as error:
        return None, [str(error)]
