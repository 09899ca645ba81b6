"""`python -m tests.fuzz [AREA]...`: as many cases as one likes, counted; exit code 1 if any broke.

Run it in the root of the repository. What a case met and said stays below --folder if it broke.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click

from tests.fuzz.areas import AREAS, tried
from tests.fuzz.world import World

COLUMNS = ("cases", "accepted", "refused", "work failed", "cut short", "broke")


@click.command()
@click.argument("areas", nargs=-1, type=click.Choice(list(AREAS)))
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--cases", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--first", type=click.IntRange(min=0), default=0, help="Number of the first case.")
@click.option("--only", type=click.IntRange(min=0), help="Run just this case, and show it.")
@click.option("--folder", type=click.Path(path_type=Path), help="Default: a new temporary one.")
def main(
    areas: tuple[str, ...], seed: int, cases: int, first: int, only: int | None, folder: Path | None
) -> None:
    """Feed the command line with bad input, AREA by AREA, and count what it breaks."""
    folder = (folder or Path(tempfile.mkdtemp(prefix="sambench-fuzz-"))).absolute()
    world = World(folder / f"world-{time.time_ns()}")
    numbers = range(first, first + cases) if only is None else [only]
    counts = {area: Counter[str]() for area in areas or AREAS}
    for area, count in counts.items():
        start = time.monotonic()
        for number in numbers:
            found = tried(area, seed, number, world, folder)
            count["cases"] += 1
            count["broke" if found.broken else found.result.told] += 1
            if found.broken:
                click.echo(found)
            if only is not None:
                click.echo(found.result.out[:4000] + found.result.err[:4000])
        click.echo(f"{area}: {len(numbers)} cases in {time.monotonic() - start:.0f} s")
    click.echo(f"\n{f'seed {seed}':14}" + "".join(f"{name:>13}" for name in COLUMNS))
    for area, count in counts.items():
        click.echo(f"{area:14}" + "".join(f"{count[name]:13}" for name in COLUMNS))
    sys.exit(any(count["broke"] for count in counts.values()))


if __name__ == "__main__":
    main()
