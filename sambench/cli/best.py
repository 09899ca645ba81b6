"""`sambench best`"""

import json
from pathlib import Path

import click

from sambench.cli import options, records


@click.command()
@click.argument("name", default="digits")
@click.option("--format", "form", type=click.Choice(["python", "json"]), default="python")
@options.root
def best(name: str, form: str, root: Path) -> None:
    """The winner of a study, as a program that trains it or as JSON."""
    found = records.read(name, root)

    from sambench.render import program

    click.echo(program.snippet(found) if form == "python" else json.dumps(program.settings(found)))
