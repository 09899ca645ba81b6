"""`sambench variants`"""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sambench.cli import options
from sambench.errors import UserError

if TYPE_CHECKING:
    from variants import VariantInfo


@click.command()
@click.argument("name", required=False)
@options.imports
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def variants(name: str | None, imports: tuple[Path, ...], as_json: bool) -> None:
    """List the variants, or explain one: formula, paper, ranges, deviations, pitfalls."""
    from sambench import plugins
    from sambench.config import roster

    plugins.load(imports)
    if name:
        roster.check("", name)

    import variants as registry
    from sambench.render.terminal import catalog

    try:
        infos = [registry.info(key) for key in ([name] if name else registry.names())]
    except ValueError as error:
        raise UserError(str(error)) from None
    if as_json:
        found = [catalog.as_dict(info) for info in infos]
        click.echo(json.dumps(found[0] if name else found, indent=1))
        return
    from rich.console import Console

    console = Console()
    console.print(catalog.entry(infos[0]) if name else catalog.listing(infos))


def infos() -> "dict[str, VariantInfo]":
    """What is known of every variant, by its key."""
    import variants

    return {name: variants.info(name) for name in variants.names()}


class Infos(Mapping[str, "VariantInfo"]):
    """The same, while the caller goes on: torch takes seconds to be imported."""

    def __init__(self) -> None:
        self._found = ThreadPoolExecutor(1).submit(infos)

    def __getitem__(self, key: str) -> "VariantInfo":
        return self._found.result()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found.result())

    def __len__(self) -> int:
        return len(self._found.result())
