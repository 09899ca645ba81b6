"""`sambench bench`"""

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, TypeVar, Unpack

import click
from click.core import ParameterSource

from sambench.cli import limits, options
from sambench.cli.parsing import Count, Counts, Place
from sambench.cli.records import LEADERBOARDS
from sambench.cli.variants import infos
from sambench.errors import UserError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from rich.console import Console, RenderableType

    from sambench.render.study_files import Infos

T = TypeVar("T", bound="DataclassInstance")

STUDY = "digits"
NOT_OF_FOLDERS = ("engine", "amp")
"""Options of a step without a meaning for `--folder`."""


class Step(TypedDict):
    """What is timed."""

    model: str
    batch_size: int
    image_size: int
    device: str
    engine: Literal["eager", "graph"]
    amp: str
    rounds: int


@click.command()
@click.option("--model", default="test_resnet", show_default=True, help="Any timm model.")
@click.option(
    "--variants",
    "chosen",
    default="plain,sam,asam,gsam,esam,looksam",
    show_default=True,
    metavar="A,B,C",
    help="Or all.",
)
@click.option("--batch-size", type=Count(2, most=1_000_000), default=128, show_default=True)
@click.option("--image-size", type=Count(1, most=10_000), default=32, show_default=True)
@options.device
@click.option("--engine", type=click.Choice(["eager", "graph"]), default="eager", show_default=True)
@click.option("--amp", type=click.Choice(["none", "bf16"]), default="none", show_default=True)
@click.option("--rounds", type=Count(1, most=10_000), default=10, show_default=True)
@options.imports
@click.option(
    "--scale",
    is_flag=True,
    help="Instead: what a run costs beside its training, as studies grow; takes minutes.",
)
@click.option(
    "--storage",
    "databases",
    multiple=True,
    metavar="URL",
    help="With --scale: a database, beside the journal and sqlite; may be repeated.",
)
@click.option(
    "--trials",
    type=Counts(),
    default="10,1000,10000",
    show_default=True,
    help="With --scale: that are stored, or finished, beforehand.",
)
@click.option(
    "--rows",
    type=Counts(),
    default="100000,1000000",
    show_default=True,
    help="With --scale: runs of a leaderboard.",
)
@click.option(
    "--measures",
    is_flag=True,
    help="Instead: what measures of weights cost, beside runs of plain and sam.",
)
@click.option(
    "--study",
    is_flag=False,
    flag_value=STUDY,
    metavar="[STUDY]",
    help="Instead: its trials beside those of a script by hand, in turns, on one core; default "
    f"{STUDY}. With --measures: whose runs, and whose measures where it asks for some.",
)
@click.option(
    "--folder",
    type=Place(),
    metavar="PATH",
    help="Instead: how fast the pictures of a folder come, from memory, from their files, and by "
    "torch's DataLoader.",
)
@click.option(
    "--publish",
    is_flag=True,
    help="Also write leaderboards/cost-DEVICE.md, or scale-cpu.md, measures-cpu.md, "
    "trials-cpu.md, streaming-DEVICE.md.",
)
@click.option("--json", "as_json", is_flag=True, help="Print timings and ratios as JSON.")
def bench(
    chosen: str,
    imports: tuple[Path, ...],
    scale: bool,
    databases: tuple[str, ...],
    trials: tuple[int, ...],
    rows: tuple[int, ...],
    measures: bool,
    study: str | None,
    folder: Path | None,
    publish: bool,
    as_json: bool,
    **step: Unpack[Step],
) -> None:
    """Time a step of each variant, of SAM as peers write it, and of training loops, in turns."""
    from rich.console import Console

    from sambench import plugins
    from sambench.config import roster
    from sambench.training import device as devices

    limits.check()
    if scale and measures:
        raise UserError("--measures: is another benchmark than --scale; ask for one")
    if scale and study is not None:
        raise UserError("--study: is another benchmark than --scale; ask for one")
    if folder is not None:
        _refuse_beside_folder()
    if scale:
        _scale(databases, trials, rows, publish=publish, as_json=as_json)
        return
    if databases:
        raise UserError("--storage: a step of training stores nothing; add --scale")
    for option in ("trials", "rows"):
        if _is_given(option):
            raise UserError(f"--{option}: a step of training has none; add --scale")
    devices.check(step["device"])
    plugins.load(imports)
    if folder is not None:
        _folder(folder, step, imports, publish=publish, as_json=as_json)
        return
    if measures:
        _measures(study or STUDY, step["device"], imports, publish=publish, as_json=as_json)
        return
    if study is not None:
        if step["device"] not in ("auto", "cpu"):
            raise UserError("--device: trials are timed on a CPU, by its own clock; leave it out")
        _trials(study, step["rounds"], imports, publish=publish, as_json=as_json)
        return
    for key in chosen.split(",") if chosen != "all" else ():
        roster.check("--variants: ", key.strip())

    import variants as registry
    from sambench.bench import Settings, costs, measure
    from sambench.render.terminal import costs as shown

    names = registry.names() if chosen == "all" else tuple(n.strip() for n in chosen.split(","))
    console = Console(stderr=as_json)
    with console.status("") as status:
        command = _command(chosen, imports, step)
        found = measure(Settings(variants=names, command=command, progress=status.update, **step))
    if as_json:
        click.echo(json.dumps({**asdict(found), "costs": asdict(costs(found))}))
    else:
        console.print(shown.render(found))
    if publish:
        from sambench.render import publish_costs

        page = publish_costs(found, LEADERBOARDS, infos())
        console.print(f"published: {page}", markup=False)


def _scale(
    databases: tuple[str, ...],
    trials: tuple[int, ...],
    rows: tuple[int, ...],
    *,
    publish: bool,
    as_json: bool,
) -> None:
    """Measures what a run costs beside its training; interrupted, what it has measured counts."""
    from rich.console import Console

    from sambench import render
    from sambench.render.terminal import scale as shown
    from sambench.scale import Options, measure

    console, found = Console(stderr=as_json), None
    with console.status("") as status:
        asked = Options(databases, trials, rows, progress=status.update)
        try:
            for measured in measure(asked):
                found = measured
        except KeyboardInterrupt:
            if found is None:
                raise
            console.print("interrupted: this is what was measured until then")
    if found is None:
        return
    _tell(console, found, shown.render, render.publish_scale if publish else None, as_json=as_json)


def _measures(
    name: str, device: str, imports: tuple[Path, ...], *, publish: bool, as_json: bool
) -> None:
    """Times measures beside the runs that they measure."""
    from rich.console import Console

    from sambench import config, render
    from sambench.bench import Asked, price
    from sambench.render.terminal import prices as shown

    words = ("--measures", "--study", name, "--device", device, *options.spelled(imports))
    study, cache = config.load(name), config.places.ROOT / "data"
    console = Console(stderr=as_json)
    with console.status("") as status:
        found = price(Asked(study, cache, device, words, progress=status.update))
    _tell(console, found, shown.render, render.publish_prices if publish else None, as_json=as_json)


def _trials(
    name: str, rounds: int, imports: tuple[Path, ...], *, publish: bool, as_json: bool
) -> None:
    """Times trials beside those of a script by hand."""
    import torch
    from rich.console import Console

    from sambench import config, render
    from sambench.render.terminal import trials as shown
    from sambench.scale import Asked, race

    torch.set_num_threads(1)
    words = ("--study", name, "--rounds", str(rounds), *options.spelled(imports))
    study, cache = config.load(name), config.places.ROOT / "data"
    console = Console(stderr=as_json)
    with console.status("") as status:
        found = race(Asked(study, cache, rounds, words, progress=status.update))
    _tell(console, found, shown.render, render.publish_trials if publish else None, as_json=as_json)


def _folder(
    folder: Path, step: Step, imports: tuple[Path, ...], *, publish: bool, as_json: bool
) -> None:
    """Times epochs on the pictures of a folder."""
    from rich.console import Console

    from sambench import config, render
    from sambench.bench import Feeding, feed
    from sambench.render.terminal import streaming as shown

    words = ["--folder", str(folder), *options.spelled(imports)]
    words += _spelled({k: v for k, v in step.items() if k not in NOT_OF_FOLDERS})
    console = Console(stderr=as_json)
    with console.status("") as status:
        found = feed(
            Feeding(
                folder=folder,
                cache=config.places.ROOT / "data",
                model=step["model"],
                batch_size=step["batch_size"],
                image_size=step["image_size"],
                rounds=step["rounds"],
                on=step["device"],
                imports=imports,
                command=tuple(words),
                progress=status.update,
            )
        )
    _tell(
        console, found, shown.render, render.publish_streaming if publish else None, as_json=as_json
    )


def _tell(
    console: "Console",
    found: T,
    shown: "Callable[[T], RenderableType]",
    publish: "Callable[[T, Path, Infos], Path] | None",
    *,
    as_json: bool,
) -> None:
    """Prints what was measured, and adds it to the leaderboards where it is to be published."""
    if as_json:
        click.echo(json.dumps(asdict(found)))
    else:
        console.print(shown(found))
    if publish is not None:
        console.print(f"published: {publish(found, LEADERBOARDS, infos())}", markup=False)


def _refuse_beside_folder() -> None:
    """UserError for other benchmarks, and for options that epochs on a folder do not have."""
    for option in ("scale", "measures", "study"):
        if _is_given(option):
            raise UserError(f"--folder: is another benchmark than --{option}; ask for one")
    for option in ("chosen", *NOT_OF_FOLDERS):
        if _is_given(option):
            name = "variants" if option == "chosen" else option
            raise UserError(f"--{name}: epochs on a folder have none; leave it out")


def _is_given(option: str) -> bool:
    source = click.get_current_context().get_parameter_source(option)
    return source is not ParameterSource.DEFAULT


def _command(chosen: str, imports: tuple[Path, ...], step: Step) -> str:
    """The command line that repeats the measurement."""
    words = ["python", "-m", "sambench", "bench", "--variants", chosen]
    words += options.spelled(imports)
    return shlex.join([*words, *_spelled(step)])


def _spelled(step: Mapping[str, object]) -> list[str]:
    return [word for k, v in step.items() for word in (f"--{k.replace('_', '-')}", str(v))]
