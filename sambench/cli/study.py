"""`sambench study`"""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sambench.cli import limits, options
from sambench.cli.failures import works
from sambench.cli.parsing import Count, Real, Span
from sambench.cli.records import LEADERBOARDS
from sambench.cli.variants import infos
from sambench.errors import UserError, WorkFailed

if TYPE_CHECKING:
    from rich.console import Console

    from sambench.analysis import Leaderboard
    from sambench.config import Study
    from sambench.executors import Executor


@click.command()
@click.argument("name", default="digits")
@options.overrides
@options.imports
@options.device
@options.executor
@click.option(
    "--workers",
    type=Count(1, most=options.MOST_WORKERS),
    default=None,
    help="Runs at a time; default one per GPU, on a CPU one per core.",
)
@click.option(
    "--wandb",
    type=click.Choice(["online", "offline", "disabled"]),
    help="Default: WANDB_MODE, else offline.",
)
@click.option(
    "--wandb-runs",
    type=click.Choice(["all", "confirm", "none"]),
    default="all",
    show_default=True,
    help="Which runs W&B gets, beside the study's own; confirm: those that the test set scores.",
)
@click.option(
    "--storage",
    metavar="URL",
    help="A database for the trials, such as postgresql+psycopg://...; default: SAMBENCH_STORAGE, "
    "else a journal in the study's folder.",
)
@click.option(
    "--points",
    type=Span(),
    metavar="FIRST:END",
    help="Only this part of the pools, e.g. 40:80; `merge` joins the parts of several machines.",
)
@click.option(
    "--max-hours",
    type=Real(min=0, min_open=True),
    metavar="HOURS",
    help="Begin no run after so long; those that run pause at the end of their epoch.",
)
@click.option("--fork", metavar="NAME", help="Start a new study of this name from the same file.")
@click.option("--publish", is_flag=True, help="Also write records and page into leaderboards/.")
@click.option(
    "--detach",
    is_flag=True,
    help="With --on slurm: leave once all runs are in the queue; the same command collects them.",
)
@click.option("--dry-run", is_flag=True, help="Print what would run, and how long it should take.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@options.checkpoint_every
@options.root
@works
def study(
    name: str,
    overrides: tuple[str, ...],
    imports: tuple[Path, ...],
    device: str,
    on: str | None,
    workers: int | None,
    wandb: str | None,
    wandb_runs: str,
    storage: str | None,
    points: range | None,
    max_hours: float | None,
    fork: str | None,
    publish: bool,
    detach: bool,
    dry_run: bool,
    as_json: bool,
    checkpoint_every: float,
    root: Path,
) -> None:
    """Tune, confirm and rank the variants of a study: a name or a TOML file.

    Interrupted, the same command goes on where it stopped; it also repeats runs that failed.
    Exit code 1: some did.
    """
    from rich.console import Console

    from sambench import config, executors, plugins
    from sambench.study import finished
    from sambench.study import root as places
    from sambench.tracking import modes
    from sambench.training import device as devices
    from sambench.training import launch

    limits.check()
    devices.check(device)
    if launch.launched():
        raise UserError("a study runs without torchrun, which is for `trial`; here use --workers")
    if dry_run and points is not None:
        raise UserError("--dry-run plans a study whole: leave --points out")
    plugins.load(imports)
    executor = None if on is None else executors.chosen(on, workers)
    named = [] if fork is None else [f"name={json.dumps(fork)}"]
    words = [*overrides, *named]
    loaded = config.read(name, words, root)
    folder = root / loaded.name
    console = Console(stderr=as_json)
    mode = modes.mode(wandb)
    places.check(folder)
    if dry_run:
        loaded = config.load(name, words, root=root)
        _plan(loaded, executor, workers, device, root, wandb, wandb_runs, console, as_json)
        return
    if mode != "online":
        tracked = None if mode == "disabled" else modes.stages(wandb_runs)
        found = finished.shown(folder, loaded, tracked)
        if found is not None:
            _present(found, folder, console, as_json=as_json, publish=publish)
            return
    if _forks(executor, workers, device):
        executors.begin_server()
    loaded = config.load(name, words, root=root)

    from sambench.analysis import numbers
    from sambench.study import Settings, run_study, where  # seconds, and nothing is wrong so far

    num = where.room(executor, workers, device)
    settings = Settings(
        device=device,
        on=executor,
        workers=num if executor is None else None,
        root=root,
        wandb=wandb,
        wandb_runs=wandb_runs,
        imports=imports,
        checkpoint_every_s=checkpoint_every,
        storage=storage,
        points=points,
        max_hours=max_hours,
        detach=detach,
        command=_command(name, overrides, imports, fork, points, on, num, device),
        resume=shlex.join(["python", "-m", "sambench", *sys.argv[1:]]),
        console=console,
        began=click.get_current_context().obj,
        says_where=False,
    )
    try:
        leaderboard = run_study(loaded, settings=settings)
    except executors.Detached as left:
        console.print(str(left), markup=False, soft_wrap=True)
        return
    _present(leaderboard, folder, console, as_json=as_json, publish=publish)
    if failed := sum(row.runs["failed"] for row in leaderboard.rows):
        raise WorkFailed(f"{numbers.times(failed, 'run')} failed; the same command tries again")


def _plan(
    study: "Study",
    executor: "Executor | None",
    workers: int | None,
    device: str,
    root: Path,
    wandb: str | None,
    wandb_runs: str,
    console: "Console",
    as_json: bool,
) -> None:
    """Prints what would run."""
    from sambench.render.terminal import estimate
    from sambench.study import plan, where

    num = where.room(executor, workers, device)
    planned = plan(study, on=device, workers=num, root=root, wandb=wandb, wandb_runs=wandb_runs)
    if as_json:
        click.echo(json.dumps(planned.as_dict()))
    else:
        console.print(estimate.render(planned))


def _forks(executor: "Executor | None", workers: int | None, device: str) -> bool:
    """Whether runs go to processes of this machine, as far as that is known without torch."""
    from sambench import executors

    if executor is not None:
        return isinstance(executor, executors.Local)
    gpus = [] if device == "cpu" else [*Path("/dev").glob("nvidia[0-9]*")]
    return (workers or executors.Local().room(len(gpus))) > 1


def _command(
    name: str,
    overrides: tuple[str, ...],
    imports: tuple[Path, ...],
    fork: str | None,
    points: range | None,
    on: str | None,
    workers: int,
    device: str,
) -> str:
    """The command line that repeats the study."""
    words = ["python", "-m", "sambench", "study", name]
    words += [word for override in overrides for word in ("--set", override)]
    words += options.spelled(imports)
    words += ["--fork", fork] if fork is not None else []
    words += ["--points", f"{points.start}:{points.stop}"] if points else []
    words += ["--workers", str(workers)] if on is None else ["--on", on]
    words += [] if device == "auto" else ["--device", device]
    return shlex.join(words)


def _present(
    leaderboard: "Leaderboard", folder: Path, console: "Console", *, as_json: bool, publish: bool
) -> None:
    """Prints what a study found, and copies it where it is published."""
    from sambench.analysis import as_data

    if as_json:
        click.echo(json.dumps(as_data(leaderboard)))
    else:
        from sambench.render.terminal import leaderboard as shown

        console.print()
        console.print(shown.render(leaderboard))
        console.print(f"\npage: {folder / 'index.html'}", markup=False, soft_wrap=True)
        files = f"Markdown: {folder / 'leaderboard.md'}  records: {folder / 'records.csv'}"
        console.print(files, markup=False, soft_wrap=True)
    _compare(leaderboard, console)
    if publish:
        from sambench.render import publish as copy

        page = copy(folder, LEADERBOARDS, infos())
        console.print(f"published: {page}", markup=False)


def _compare(leaderboard: "Leaderboard", console: "Console") -> None:
    """Says whether a published page of the same study makes the same claims."""
    from sambench import records
    from sambench.analysis import analyse
    from sambench.render import claims_agree

    published = LEADERBOARDS / f"{leaderboard.study}.csv"
    if published.exists():
        try:
            told = claims_agree(leaderboard, analyse(records.read(published)))
            console.print(told, markup=False)
        except UserError as error:
            console.print(f"No comparison with the published page: {error}", markup=False)
