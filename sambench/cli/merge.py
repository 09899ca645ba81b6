"""`sambench merge`"""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sambench.cli import options
from sambench.cli.parsing import Place

if TYPE_CHECKING:
    from sambench.study import Merged


@click.command()
@click.argument("files", nargs=-1, required=True, type=Place(), metavar="FILE...")
@click.option("--into", metavar="STUDY", help="Name of the study's folder; default: the files'.")
@options.root
def merge(files: tuple[Path, ...], into: str | None, root: Path) -> None:
    """Join the records of several machines, so that `study STUDY` goes on from all their runs.

    A FILE may be a study's folder, too. A run that two files tell alike counts once; told
    differently, nothing is merged. Exits with 1 if lines of a file are damaged (the rest is
    merged).
    """
    from sambench.study import merge as join

    merged = join(files, root, into)
    for line in merged.damages:
        click.echo(f"sambench: {line}", err=True)
    click.echo(_told(merged, root))
    if merged.damages:
        raise SystemExit(1)


def _told(merged: "Merged", root: Path) -> str:
    """What came in, what did not, and what is missing."""
    lines = [f"{merged.folder}: {_runs(merged.came)} came in, {merged.known} there already"]
    left = {"failed": merged.failed, "of sweeps": merged.swept}
    if said := [f"{num} {kind}" for kind, num in left.items() if num]:
        lines.append(f"left out: {', '.join(said)}")
    lacking = [f"{num} of {label}" for label, num in merged.missing.items() if num]
    lines.append(f"missing: {', '.join(lacking)}" if lacking else "no pool lacks a point")
    fork = "" if merged.folder.name == merged.study else f" --fork {merged.folder.name}"
    imports = "".join(f" --import {shlex.quote(file)}" for file in merged.imports)
    where = "" if root == Path("runs") else f" --root {shlex.quote(str(root))}"
    lines.append(f"go on: python -m sambench study {merged.study}{fork}{imports}{where}")
    return "\n".join(lines)


def _runs(num: int) -> str:
    return f"{num} run" if num == 1 else f"{num} runs"
