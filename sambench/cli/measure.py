"""`sambench measure`"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sambench.cli import limits, options
from sambench.cli.parsing import Count
from sambench.errors import UserError, echo, nearest

if TYPE_CHECKING:
    from sambench.config import Measured
    from sambench.study.measured import Taken

SUFFIX = ".safetensors"
LARGEST = 10**6


@click.command()
@click.argument("target", metavar="STUDY|FILE.safetensors")
@click.option(
    "--measure",
    "names",
    multiple=True,
    metavar="NAME",
    help="May be repeated; default: all that need no --set.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="NAME.KEY=VALUE", help="e.g. ascent.rho=0.1"
)
@click.option(
    "--batches",
    type=Count(1, most=LARGEST),
    default=8,
    show_default=True,
    help="At most, of each set.",
)
@click.option(
    "--batch-size", type=Count(1, most=LARGEST), default=128, show_default=True, help="Items."
)
@click.option(
    "--study", metavar="STUDY", help="Of a file that does not say whose weights it holds."
)
@options.imports
@options.device
@click.option("--json", "as_json", is_flag=True, help="Print values, units and directions as JSON.")
@options.root
def measure(
    target: str,
    names: tuple[str, ...],
    settings: tuple[str, ...],
    batches: int,
    batch_size: int,
    study: str | None,
    imports: tuple[Path, ...],
    device: str,
    as_json: bool,
    root: Path,
) -> None:
    """Measure kept weights: sharpness, robustness, calibration, without training again.

    Of a file, or of all runs of a study that kept theirs ([confirm] keep_weights = true); what was
    measured before in the same way is not measured again.
    """
    from sambench import plugins

    limits.check()
    plugins.load(imports)
    from sambench.training import device as devices

    devices.check(device)
    asked = _asked(names, settings, batches, batch_size)

    from sambench.study import measured

    on, cache = devices.resolve(device), root / "data"
    if target.endswith(SUFFIX):
        found = {target: measured.of_file(Path(target), asked, cache, on, study, root)}
    elif study is not None:
        raise UserError("--study: is for a file of weights")
    else:
        found = measured.of_study(root / target, asked, cache, on, click.echo)
    if as_json:
        click.echo(json.dumps({name: _as_dict(one, asked) for name, one in found.items()}))
        return
    from rich.console import Console

    from sambench.render.terminal import measures as shown

    for name, one in found.items():
        Console().print(shown.render(name, one.found.values, one.found.failed))


def _as_dict(taken: "Taken", asked: "Measured") -> dict[str, object]:
    """Values by name; under "quantities" what they are, under "failed" why a measure has none."""
    from sambench import measures

    found, wanted = taken.found, measures.chosen(asked)
    quantities = {
        own.name: {
            "measure": name,
            "unit": own.unit,
            "direction": own.direction,
            "items": found.items.get(name),
        }
        for name, each in measures.quantities(wanted, taken.task).items()
        for own in each
        if own.name in found.values
    }
    return {**found.values, "quantities": quantities, "failed": found.failed}


def _asked(
    names: tuple[str, ...], settings: tuple[str, ...], batches: int, batch_size: int
) -> "Measured":
    """UserError for unknown names and settings."""
    from sambench import config
    from sambench.measures import chosen, measures, ready

    tables: dict[str, dict[str, object]] = {}
    for key, value in config.assignments("--set", settings).items():
        name, dot, rest = key.partition(".")
        if not dot:
            raise UserError(
                f"--set: {echo(key)} must be NAME.KEY, {nearest(name, measures.names())}"
            )
        tables.setdefault(name, {})[rest] = value
    known = names or ready(tables)
    if strange := [name for name in tables if name not in known]:
        raise UserError(f"--set: {echo(strange[0])} is not measured, {nearest(strange[0], known)}")
    asked = config.Measured.model_validate(
        {"names": known, "set": tables, "max_batches": batches, "batch_size": batch_size}
    )
    chosen(asked, "--measure", "--set ")
    return asked
