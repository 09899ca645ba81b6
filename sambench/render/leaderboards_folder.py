"""What a folder of leaderboards must be, looked at before anything heavy is loaded."""

import difflib
from collections.abc import Collection
from pathlib import Path

from sambench.errors import UserError, nearest

PUBLISH = "publish a study there: python -m sambench study NAME --publish"


def check_folder(folder: str | Path) -> Path:
    """The folder, if something is published there; UserError if not, and it is not made."""
    if not str(folder):
        raise UserError("the folder of the leaderboards has no name")
    folder = Path(folder)
    if not folder.is_dir():
        near = [path.name for path in folder.parent.glob("*/") if path.is_dir()]
        close = difflib.get_close_matches(folder.name, near, n=1)
        hint = f"did you mean {folder.parent / close[0]}?" if close else PUBLISH
        raise UserError(f"{folder}: no such folder; {hint}")
    if not (names_in(folder) or any(folder.glob("cost-*.json"))):
        raise UserError(f"{folder} holds no records of a study; {PUBLISH}")
    return folder


def check_names(folder: Path, names: Collection[str]) -> None:
    """UserError for the first name that the folder has no records of."""
    known = names_in(folder)
    for name in names:
        if name not in known:
            hint = nearest(name, known) if known else "publish one: sambench study NAME --publish"
            raise UserError(f"no records of a study {name!r} in {folder}; {hint}")


def names_in(folder: Path) -> list[str]:
    """The studies of a folder."""
    return sorted(path.stem for path in folder.glob("*.csv"))
