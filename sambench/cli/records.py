"""Records by the name of their study."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sambench.errors import UserError, echo, nearest

if TYPE_CHECKING:
    from sambench.records import Records

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
    """A study's own records, else the published ones."""
    candidates = [Path(name), root / name / "records.csv", LEADERBOARDS / f"{name}.csv"]
    for path in candidates:
        if path.is_file():
            return path
    known = {p.parent.name for p in root.glob("*/records.csv")}
    known |= {p.stem for p in LEADERBOARDS.glob("*.csv")}
    hint = nearest(name, known) if known else "run one first: python -m sambench study"
    raise UserError(f"no records of a study {echo(name)}; {hint}")
