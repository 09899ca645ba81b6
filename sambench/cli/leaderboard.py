"""`sambench leaderboard`"""

import gc
from pathlib import Path

import click

from sambench.cli import options
from sambench.cli.parsing import Place
from sambench.cli.records import LEADERBOARDS
from sambench.cli.variants import Infos
from sambench.errors import UserError


@click.command()
@click.argument("studies", nargs=-1, metavar="[STUDY]...")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file is stale.")
@click.option(
    "--html", is_flag=True, help="Also the interactive pages: NAME/index.html, index.html of all."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["md", "csv", "json", "latex"]),
    help="Print the leaderboards in this format; write nothing.",
)
@options.imports
@click.option(
    "--folder",
    type=Place(),
    default=LEADERBOARDS,
    show_default=True,
    help="Of published studies, or one in which studies were run, such as runs.",
)
def leaderboard(
    studies: tuple[str, ...],
    check: bool,
    html: bool,
    form: str | None,
    imports: tuple[Path, ...],
    folder: Path,
) -> None:
    """Regenerate the pages of a folder, of all studies or of those named, from their records.

    Exits with 1 if records are damaged (the rest of them is reported), with 2 if a records file
    cannot be read (the other studies are regenerated).
    """
    if form and (check or html):
        other = "--check compares" if check else "--html writes"
        raise UserError(f"--format prints and {other}: choose one")
    gc.set_threshold(200_000)  # millions of rows, hardly a cycle among them
    from sambench import plugins
    from sambench.render import check_folder, check_names

    plugins.load(imports)
    check_names(folder, studies)
    check_folder(folder)
    if form:
        from sambench.render import render

        text, damages, errors = render(form, folder, studies)
        click.echo(text, nl=False)
        _exit(damages, errors)
        return
    from sambench.render import regenerate

    found = regenerate(folder, studies, check=check, infos=Infos() if html else None)
    for path in found.stale:
        click.echo(f"{'stale' if check else 'written'}: {path}")
    for note in found.notes:
        click.echo(note)
    if not (found.stale or found.errors):
        click.echo("all pages are up to date")
    _exit(found.damages, found.errors, stale=check and bool(found.stale))


def _exit(damages: list[str], errors: list[str], *, stale: bool = False) -> None:
    """Tell what is wrong with records, a line each, and exit accordingly."""
    for line in (*damages, *errors):
        click.echo(f"sambench: {line}", err=True)
    if code := 2 if errors else int(bool(damages or stale)):
        raise SystemExit(code)
