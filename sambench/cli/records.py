"""Records by the name of their study."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sambench.errors import UserError, echo, nearest

if TYPE_CHECKING:
    from sambench.records import Records

RECORDS = "records.csv"
LEADERBOARDS = Path("leaderboards")
"""Where studies are published."""


def read(name: str, root: Path) -> "Records":
    """After what is damaged in them has been said."""
    path = _find(name, root)

    from sambench import records
    from sambench.analysis import published

    found = records.read(path)
    for line in published.damages(path, found):
        click.echo(f"sambench: {line}", err=True)
    return found


def _find(name: str, root: Path) -> Path:
    """A study's own records, else the published ones; its name is what `study` takes."""
    for called in (name, _own_name(name, root)):
        for path in (
            Path(called),
            Path(called) / RECORDS,
            root / called / RECORDS,
            LEADERBOARDS / f"{called}.csv",
        ):
            if path.is_file() and path.suffix == ".csv":
                return path
    known = {p.parent.name for p in root.glob(f"*/{RECORDS}")}
    known |= {p.stem for p in LEADERBOARDS.glob("*.csv")}
    if own := _own_name(name, root):
        command = f"python -m sambench study {shlex.quote(name)}"
        begun = "it was interrupted, or still runs; the command that goes on with it"
        hint = f"{begun if (root / own).is_dir() else 'run it first'}: {command}"
    else:
        hint = nearest(name, known) if known else "run one first: python -m sambench study"
    raise UserError(f"no records of a study {echo(name)}; {hint}")


def _own_name(name: str, root: Path) -> str:
    """What the study that `study NAME` would run is called; "" if there is none."""
    from sambench import config

    try:
        return config.name_of(name, root)
    except UserError:
        return ""
