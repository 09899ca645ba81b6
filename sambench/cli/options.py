"""Options that several commands have."""

from collections.abc import Iterable
from pathlib import Path

import click

from sambench.cli.parsing import Count, Place, Real

MOST_WORKERS = 4096
LARGEST_SEED = 2**53


def spelled(imports: Iterable[Path]) -> list[str]:
    """The same option in the words of a command line."""
    return [word for file in imports for word in ("--import", str(file))]


imports = click.option(
    "--import", "imports", multiple=True, type=Place(), metavar="FILE.py",
    help="A file that registers variants or executors of your own; may be repeated.",
)  # fmt: skip
executor = click.option(
    "--on", metavar="NAME|FILE.toml",
    help="Where runs execute: local (default), inline, ray, slurm, or a file with its settings.",
)  # fmt: skip
root = click.option(
    "--root", type=Place(), default=Path("runs"), show_default=True,
    help="Folder that holds a folder per study.",
)  # fmt: skip
overrides = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="e.g. train.epochs=3"
)
device = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N."
)
seed = click.option("--seed", type=Count(0, most=LARGEST_SEED), default=0, show_default=True)
checkpoint_every = click.option(
    "--checkpoint-every", type=Real(min=0), default=10.0, show_default=True, metavar="SECONDS",
    help="At least so much training between two of a run's checkpoints, and 50 times what the last "
    "one took; 0: one after every epoch.",
)  # fmt: skip
