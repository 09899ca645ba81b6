"""`sambench best`"""

import json
from pathlib import Path

import click

from sambench.cli import options, records


@click.command()
@click.argument("name", default="digits")
@click.option("--variant", help="Of this arm; default: the recommended one.")
@click.option("--format", "form", type=click.Choice(["python", "json"]), default="python")
@options.imports
@options.root
def best(name: str, variant: str | None, form: str, imports: tuple[Path, ...], root: Path) -> None:
    """The setting to use, as a program that trains it or as JSON."""
    from sambench import plugins

    plugins.load(imports)
    found = records.read(name, root)

    from sambench.render import program

    files = [str(file.resolve()) for file in imports]
    python = form == "python"
    told = program.snippet(found, variant, files) if python else program.settings(found, variant)
    click.echo(told if python else json.dumps(told))
