"""What a folder of leaderboards must be, looked at before anything heavy is loaded."""

import difflib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from sambench.errors import UserError, nearest
from sambench.render.place import INDEX, Place

COST, SCALE, MEASURES, TRIALS, STREAMING = BENCHMARKS = (
    "cost",
    "scale",
    "measures",
    "trials",
    "streaming",
)
"""How the names of a benchmark's files begin, by its kind; the device follows."""
PUBLISH = "publish a study there: python -m sambench study NAME --publish"


def check_folder(folder: str | Path) -> Path:
    """The folder, if it holds studies; UserError if not, and it is not made."""
    if not str(folder):
        raise UserError("the folder of the leaderboards has no name")
    folder = Path(folder)
    if not folder.is_dir():
        near = [path.name for path in folder.parent.glob("*/") if path.is_dir()]
        close = difflib.get_close_matches(folder.name, near, n=1)
        hint = f"did you mean {folder.parent / close[0]}?" if close else PUBLISH
        raise UserError(f"{folder}: no such folder; {hint}")
    if (folder / "study.json").exists():
        raise UserError(f"{folder} is a study's own; name the folder of all: {folder.parent}")
    measured = any(any(folder.glob(f"{kind}-*.json")) for kind in BENCHMARKS)
    if not (places(folder) or measured):
        raise UserError(f"{folder} holds no records of a study; {PUBLISH}")
    return folder


def check_names(folder: Path, names: Collection[str]) -> None:
    """UserError for the first name that the folder has no records of."""
    known = places(folder)
    for name in names:
        if name not in known:
            hint = nearest(name, known) if known else "publish one: sambench study NAME --publish"
            raise UserError(f"no records of a study {name!r} in {folder}; {hint}")


def places(folder: Path) -> dict[str, Place]:
    """The studies of a folder by name: those that were run there, else the published ones."""
    ran = sorted(path.parent for path in folder.glob("*/records.csv"))
    if ran:
        return {own.name: replace(Place.own(own), home=f"../{INDEX}") for own in ran}
    return {path.stem: Place.published(folder, path.stem) for path in sorted(folder.glob("*.csv"))}


def is_of_runs(folder: Path) -> bool:
    """Whether studies were run there, each in a folder of its own."""
    return any(folder.glob("*/records.csv"))
