"""`sambench sweep`: export, run, dashboard"""

import json
import os
import shlex
from dataclasses import asdict
from pathlib import Path

import click

from sambench.cli import options, records
from sambench.cli.failures import works
from sambench.cli.parsing import Commands, Count, Place
from sambench.errors import UserError


@click.group(cls=Commands)
def sweep() -> None:
    """W&B sweeps: of a study, or of any program without a server."""


@sweep.command()
@click.argument("name", metavar="STUDY")
@click.option("--variant", "labels", multiple=True, help="Default: every arm of the study.")
@options.overrides
@options.imports
@options.device
@options.root
def export(
    name: str,
    labels: tuple[str, ...],
    overrides: tuple[str, ...],
    imports: tuple[Path, ...],
    device: str,
    root: Path,
) -> None:
    """Write a W&B sweep file per arm of a study; `wandb sweep FILE` takes it from there.

    It runs the arm's pool: what its agents train, `study` finds and does not train again. Of a
    study with an adaptive sampler it tries the same ranges, and its trials are shown beside it.
    """
    from sambench import config, plugins
    from sambench.training import device as devices

    devices.check(device)
    plugins.load(imports)
    study = config.load(name, overrides, root=root)

    from sambench.study import StudyFolder
    from sambench.sweeps import export

    folder = StudyFolder(root, study)
    words = [word for override in overrides for word in ("--set", override)]
    words += options.spelled(file.resolve() for file in imports)
    found = export.files(folder, name, labels=labels, words=words, device=device)
    export.write(found)
    for path in found:
        click.echo(f"written: {path}")
    click.echo("next: wandb sweep FILE, then wandb agent ID, as many as you like")


@sweep.command()
@click.argument("file", type=Place())
@click.option("--local", is_flag=True, required=True, help="On this machine, without a server.")
@click.option(
    "--workers",
    type=Count(1, most=options.MOST_WORKERS),
    default=1,
    show_default=True,
    help="Runs at once.",
)
@click.option("--count", type=click.IntRange(min=1), help="Start at most so many runs now.")
@options.seed
@click.option("--json", "as_json", is_flag=True, help="Print the runs as JSON.")
@options.root
@works
def run(
    file: Path,
    local: bool,
    workers: int,
    count: int | None,
    seed: int,
    as_json: bool,
    root: Path,
) -> None:
    """Run a W&B sweep file here: no login, no network, any program.

    Interrupted, the same command goes on where it stopped.
    """
    from rich.console import Console

    from sambench.sweeps import sweep_file

    doubts: list[str] = []
    loaded = sweep_file.load(file, doubts.append)

    from sambench.render.terminal import local_sweep as report
    from sambench.sweeps import local as engine

    console = Console(stderr=as_json)
    folder = root / "sweeps" / sweep_file.folder_name(loaded, file)
    if loaded.num_configs is None and count is None:
        doubts.append("no run_cap and no --count: Ctrl-C ends this sweep")

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    def doubt() -> None:
        for line in doubts:
            click.echo(f"sambench: {line}", err=True)

    sweep = engine.LocalSweep(loaded, folder, workers=workers, seed=seed, say=say)
    runs = [asdict(run) for run in sweep.run(count, doubt)]
    metric = loaded.metric
    if as_json:
        click.echo(json.dumps(report.ranked(runs, metric.goal if metric else "minimize")))
    else:
        name, goal = (metric.name, metric.goal) if metric else (None, "minimize")
        console.print(report.render(runs, name, goal))
    if any(folder.glob("wandb/offline-run-*")):
        say(f"W&B runs: wandb sync {shlex.quote(str(folder))}/wandb/offline-run-*")


@sweep.command()
@click.argument("name", metavar="STUDY", default="digits")
@click.option("--project", help="W&B project; default: WANDB_PROJECT, else sambench.")
@click.option("--entity", help="W&B user or team; default: your own.")
@click.option("--upload", type=Place(), help="Upload this file instead of a study's.")
@options.root
def dashboard(
    name: str, project: str | None, entity: str | None, upload: Path | None, root: Path
) -> None:
    """Make a W&B report of a study: leaderboard, what was tried, what it cost, how it trained.

    Without a login its description is written to runs/STUDY/dashboard.json, for --upload.
    """
    from sambench.sweeps import dashboard

    if upload is not None:
        path, description = upload, dashboard.read(upload)
    else:
        from sambench.analysis import analyse

        leaderboard = analyse(records.read(name, root))
        path = dashboard.place(root, leaderboard.study)
        chosen = project or os.environ.get("WANDB_PROJECT") or "sambench"
        description = dashboard.describe(leaderboard, chosen)
        dashboard.write(path, description)
        click.echo(f"written: {path}")
    try:
        click.echo(f"report: {dashboard.upload(description, entity)}")
    except dashboard.NoLogin:
        message = f"W&B knows no key here; {dashboard.LOGIN} {shlex.quote(str(path))}"
        if upload is not None:
            raise UserError(message) from None
        click.echo(f"not uploaded: {message}")
