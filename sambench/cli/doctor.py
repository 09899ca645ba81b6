"""`sambench doctor`"""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sambench.cli import options

if TYPE_CHECKING:
    from rich.console import Console

    from sambench.doctor import Examined

STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}
NAME, STATE = 9, 8  # columns


@click.command()
@click.option("--storage", metavar="URL", help="A database that studies shall use.")
@click.option("--on", metavar="NAME|FILE.toml", help="Where runs shall execute.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@options.root
def doctor(storage: str | None, on: str | None, as_json: bool, root: Path) -> None:
    """What this machine lacks for studies, one line each, with the remedy.

    Exit code 0 where there is no problem, warnings included, else 1. Changes nothing.
    """
    from rich.console import Console

    from sambench.doctor import CHECKS, Asked, examine

    console, found = Console(), []
    for one in examine(CHECKS, Asked(root, storage, on)):
        found.append(one)
        if not as_json:
            _print(one, console)
    counts = Counter(one.state for one in found)
    if as_json:
        checks = [one._asdict() for one in found]
        click.echo(json.dumps({"ok": not counts["problem"], "checks": checks}))
    if counts["problem"]:
        raise SystemExit(1)


def _print(one: "Examined", console: "Console") -> None:
    from rich.text import Text

    line = Text.assemble(
        (f"{one.state:{STATE}}", STYLES[one.state]), f"{one.name:{NAME}} {one.said}"
    )
    if one.remedy:
        line.append(f"\n{'':{STATE + NAME}} remedy: {one.remedy}", "bold")
    console.print(line, soft_wrap=True)
