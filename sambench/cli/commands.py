"""The command line: parse, call, print. Imports nothing heavy before a command needs it.

Exit codes: 0 ok, 1 the work failed, 2 bad input, 130 interrupted.
"""

import errno
import functools
import io
import json
import math
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import click

from sambench.errors import UserError, WorkFailed, echo, nearest, shortened

UNUSABLE = {
    errno.EACCES,
    errno.EEXIST,
    errno.EIO,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}
FULL = {errno.ENOSPC, errno.EDQUOT}
EXHAUSTED = {
    errno.EAGAIN: "no further process or thread may start here; see ulimit -u",
    errno.EMFILE: "too many files are open; raise the limit: ulimit -n 1024",
    errno.ENFILE: "the system has too many open files",
    errno.ENOMEM: "memory ran out; try fewer --workers, or smaller batches",
}

LARGEST_SEED = 2**53
MOST_WORKERS = 4096

LEADERBOARDS = Path("leaderboards")


class Place(click.Path):
    """A path of the user's; an empty word, as of a shell variable that is not set, is none."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip() or "\0" in str(value):
            self.fail("must be a path, got an empty word", param, ctx)
        return super().convert(value, param, ctx)


root_option = click.option(
    "--root", type=Place(), default=Path("runs"), show_default=True,
    help="Folder that holds a folder per study.",
)  # fmt: skip


class Real(click.FloatRange):
    """A finite number within its bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not math.isfinite(number := click.FLOAT.convert(value, param, ctx)):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return super().convert(number, param, ctx)


class Count(click.IntRange):
    """A number of at least `least`, and not beyond what could ever run."""

    def __init__(self, least: int, *, most: int) -> None:
        super().__init__(min=least)
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = super().convert(value, param, ctx)
        if number > self.most:
            self.fail(f"{echo(number)} is more than {self.most}.", param, ctx)
        return number


checkpoint_option = click.option(
    "--checkpoint-every",
    type=Real(min=0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
)


class Commands(click.Group):
    """Names the nearest command to an unknown one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            raise UserError(f"unknown command {echo(args[0])}; {nearest(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sambench")
def cli() -> None:
    """Which sharpness-aware optimizer is worth its cost on your model and data?"""


def main() -> NoReturn:
    """Entry point: one line and an exit code for whatever goes wrong."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a locale without ± must not end a study
    try:
        cli(standalone_mode=False)
        if sys.stdout is not None:  # it is where the caller closed it
            sys.stdout.flush()
    except UserError as error:
        fail(str(error), 2)
    except WorkFailed as error:
        fail(str(error), 1)
    except click.exceptions.Abort:
        fail("interrupted; the same command goes on from here", 130)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        fail(error.format_message(), 2)
    except KeyboardInterrupt:
        fail("interrupted; the same command goes on from here", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python complains at its own exit
        sys.exit(1)
    except OSError as error:
        fail(_unusable(error), 2)
    except MemoryError:
        fail(EXHAUSTED[errno.ENOMEM], 2)
    sys.exit(0)


def fail(message: str, code: int) -> NoReturn:
    """One line on standard error, however many the message has, and whoever else fails with us."""
    if _speaks():
        click.echo(f"sambench: {shortened(message)}", err=True)
    sys.exit(code)


def _speaks() -> bool:
    """Whether no other process of this run, if there are any, tells the same."""
    from sambench.training import launch

    try:
        if not launch.launched():
            return True
    except UserError:
        return True
    if "torch.distributed" not in sys.modules:
        return os.environ["RANK"] == "0"
    from sambench.training import processes

    return processes.first_to_fail()


def _unusable(error: OSError) -> str:
    """What is wrong with a disk or a path; raises what is our own fault again."""
    if error.errno in FULL:
        return "the disk is full; nothing finished is lost: free space, then repeat the command"
    if error.errno in EXHAUSTED:
        return EXHAUSTED[error.errno]
    if error.errno in UNUSABLE and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, FileNotFoundError) and error.filename is None:  # tempfile's
        return str(error.strerror)
    raise error


def works(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose work may fail: RunFailed becomes exit code 1, with the worker's own words."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        from sambench.executors import RunFailed

        try:
            command(*args, **kwargs)
        except RunFailed as error:
            click.echo(f"sambench: a run failed: {error}", err=True)
            raise SystemExit(1) from None

    return wrapped


@cli.command()
@click.argument("name", default="digits")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="e.g. train.epochs=3")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option(
    "--workers",
    type=Count(1, most=MOST_WORKERS),
    default=None,
    help="Processes; default 1, on a CPU one per core.",
)
@click.option(
    "--wandb",
    type=click.Choice(["online", "offline", "disabled"]),
    help="Default: WANDB_MODE, else offline.",
)
@click.option("--fork", metavar="NAME", help="Start a new study of this name from the same file.")
@click.option("--publish", is_flag=True, help="Also write records and page into leaderboards/.")
@click.option("--dry-run", is_flag=True, help="Print what would run, and how long it should take.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@checkpoint_option
@root_option
@works
def study(
    name: str,
    overrides: tuple[str, ...],
    device: str,
    workers: int | None,
    wandb: str | None,
    fork: str | None,
    publish: bool,
    dry_run: bool,
    as_json: bool,
    checkpoint_every: float,
    root: Path,
) -> None:
    """Tune, confirm and rank the variants of a study: a name or a TOML file.

    Interrupted, the same command goes on where it stopped.
    """
    from rich.console import Console

    from sambench import config
    from sambench.cli import limits
    from sambench.study import finished
    from sambench.study import root as places
    from sambench.tracking import modes
    from sambench.training import device as devices
    from sambench.training import launch

    limits.check()
    devices.check(device)
    if launch.launched():
        raise UserError("a study runs without torchrun, which is for `trial`; here use --workers")
    named = [] if fork is None else [f"name={json.dumps(fork)}"]
    words = [*overrides, *named]
    loaded = config.read(name, words)
    console = Console(stderr=as_json)
    mode = modes.mode(wandb)
    places.check(root / loaded.name)
    if mode != "online" and not dry_run:
        found = finished.shown(root / loaded.name, loaded, tracked=mode != "disabled")
        if found is not None:
            _present(found, root / loaded.name, console, as_json=as_json, publish=publish)
            return
    loaded = config.load(name, words)

    from sambench.study import Settings, run_study  # seconds, and nothing is wrong so far

    num = _workers(workers, device)
    if dry_run:
        from sambench.render.terminal import estimate
        from sambench.study import plan

        found = plan(loaded, on=device, workers=num, root=root, wandb=wandb)
        click.echo(json.dumps(found.as_dict())) if as_json else console.print(
            estimate.render(found)
        )
        return
    settings = Settings(
        device=device,
        workers=num,
        root=root,
        wandb=wandb,
        checkpoint_every_s=checkpoint_every,
        command=_command(name, overrides, fork, num, device),
        console=console,
    )
    analysis = run_study(loaded, settings=settings)
    _present(analysis, root / loaded.name, console, as_json=as_json, publish=publish)


def _present(analysis: Any, folder: Path, console: Any, *, as_json: bool, publish: bool) -> None:
    """Prints what a study found, and copies it where it is published."""
    if as_json:
        click.echo(json.dumps(asdict(analysis)))
    else:
        _show(analysis, folder, console)
    _compare(analysis, console)
    if publish:
        from sambench.render import publish as copy

        page = copy(folder, LEADERBOARDS, _infos())
        console.print(f"published: {page}", markup=False)


def _workers(asked: int | None, device: str) -> int:
    """On a CPU one worker per core, since small models gain little from threads; else one."""
    if asked is not None:
        return asked
    from sambench.executors import threads_each
    from sambench.training import device as devices

    return threads_each(1) if devices.resolve(device) == "cpu" else 1


def _command(
    name: str, overrides: tuple[str, ...], fork: str | None, workers: int, device: str
) -> str:
    """The command line that repeats the study."""
    import shlex

    words = ["python", "-m", "sambench", "study", name]
    words += [word for override in overrides for word in ("--set", override)]
    words += ["--fork", fork] if fork is not None else []
    words += ["--workers", str(workers)]
    words += [] if device == "auto" else ["--device", device]
    return shlex.join(words)


def _show(analysis: Any, folder: Path, console: Any) -> None:
    from sambench.render.terminal import leaderboard as terminal

    console.print()
    console.print(terminal.render(analysis))
    written = f"\npage: {folder / 'leaderboard.md'}  records: {folder / 'records.csv'}"
    console.print(written, markup=False)


def _compare(analysis: Any, console: Any) -> None:
    """Says whether a published page of the same study has the same groups."""
    from sambench import records
    from sambench.analysis import analyse
    from sambench.render import groups_agree

    published = LEADERBOARDS / f"{analysis.study}.csv"
    if published.exists():
        try:
            told = groups_agree(analysis, analyse(records.read(published)))
            console.print(told, markup=False)
        except UserError as error:
            console.print(f"No comparison with the published page: {error}", markup=False)


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", metavar="STUDY")
@click.argument("others", metavar="[--NAME=VALUE]...", nargs=-1, type=click.UNPROCESSED)
@click.option("--variant", required=True, help="A label of the study, or any variant.")
@click.option("--lr", type=Real(), required=True, help="Peak learning rate.")
@click.option("--rho", type=Real(), help="The variant's radius; default: the paper's.")
@click.option(
    "--fix",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another hyperparameter; --NAME=VALUE is the same.",
)
@click.option(
    "--epochs-factor",
    "--epochs_factor",
    type=Real(),
    default=1.0,
    show_default=True,
    help="Length of the schedule, in units of the study's.",
)
@click.option("--seed", type=Count(0, most=LARGEST_SEED), default=0, show_default=True)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="e.g. train.epochs=3")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--out", type=Place(), help="Keep result and checkpoints; goes on there.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@checkpoint_option
@root_option
def trial(
    name: str,
    others: tuple[str, ...],
    variant: str,
    lr: float,
    rho: float | None,
    fix: tuple[str, ...],
    epochs_factor: float,
    seed: int,
    overrides: tuple[str, ...],
    device: str,
    out: Path | None,
    as_json: bool,
    checkpoint_every: float,
    root: Path,
) -> None:
    """Train one run of a study's task with settings of your own; validation data only.

    As the command of a W&B sweep it logs into the agent's run, and the study keeps the result.
    Under torchrun, several processes train it, each on its share of every batch.
    """
    import tempfile

    from rich.console import Console

    from sambench import config
    from sambench.cli import limits
    from sambench.config import chosen
    from sambench.sweeps import called
    from sambench.training import device as devices
    from sambench.training import launch

    by = called() if out is None else None

    limits.check()
    devices.check(device)
    if unknown := [word for word in others if not word.startswith("--") or "=" not in word]:
        raise UserError(f"unexpected {echo(unknown[0])}; hyperparameters look like --alpha=0.4")
    given = config.assignments("--fix", [*fix, *(word[2:] for word in others)])
    chosen.check_choice(lr, epochs_factor, {"rho": rho, **given})
    launch.check_meeting_place()
    study = config.load(name, overrides, variant)

    from sambench.render.terminal import trial as shown
    from sambench.study import cache_folder
    from sambench.study import trial as trials
    from sambench.sweeps import agent_trial
    from sambench.training import processes  # seconds, and nothing is wrong so far

    with processes.joined() as world, tempfile.TemporaryDirectory() as scratch:
        on = device if world.size == 1 else processes.own_device(device)
        agent = by if world.size == 1 else None
        run = trials.plan(
            study,
            variant,
            lr=lr,
            rho=rho,
            fix=given,
            epochs_factor=epochs_factor,
            seed=seed,
            on=on,
            stage="search" if agent else "trial",
        )
        if agent:
            outcome = agent_trial.execute(run, root, agent)
        else:
            outcome = trials.execute(
                run,
                out or Path(scratch),
                cache_folder(root),
                checkpoint_every_s=checkpoint_every,
                world=world,
            )
    found = trials.as_dict(run, outcome)
    if world.leads:
        click.echo(json.dumps(found)) if as_json else Console().print(shown.render(found))


@cli.command()
@click.argument("name", default="digits")
@click.option("--format", "form", type=click.Choice(["python", "json"]), default="python")
@root_option
def best(name: str, form: str, root: Path) -> None:
    """The winner of a study, as a program that trains it or as JSON."""
    found = _told(_records_of(name, root))

    from sambench.render import program as winner

    click.echo(winner.snippet(found) if form == "python" else json.dumps(winner.settings(found)))


def _told(path: Path) -> Any:
    """Records, after what is damaged in them has been said."""
    from sambench import records
    from sambench.analysis import published as boards

    found = records.read(path)
    for line in boards.damages(path, found):
        click.echo(f"sambench: {line}", err=True)
    return found


def _records_of(name: str, root: Path) -> Path:
    """A study's own records, else the published ones."""
    candidates = [Path(name), root / name / "records.csv", LEADERBOARDS / f"{name}.csv"]
    for path in candidates:
        if path.is_file():
            return path
    known = {p.parent.name for p in root.glob("*/records.csv")}
    known |= {p.stem for p in LEADERBOARDS.glob("*.csv")}
    hint = nearest(name, known) if known else "run one first: python -m sambench study"
    raise UserError(f"no records of a study {echo(name)}; {hint}")


@cli.command()
@click.argument("studies", nargs=-1, metavar="[STUDY]...")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file is stale.")
@click.option("--html", is_flag=True, help="Also index.html, the interactive page of all studies.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["md", "csv", "json", "latex"]),
    help="Print the leaderboards in this format; write nothing.",
)
@click.option("--folder", type=Place(), default=LEADERBOARDS, show_default=True)
def leaderboard(
    studies: tuple[str, ...], check: bool, html: bool, form: str | None, folder: Path
) -> None:
    """Regenerate what is published, of all studies or of those named, from their records.

    Exits with 1 if records are damaged (the rest of them is reported), with 2 if a records file
    cannot be read (the other studies are regenerated).
    """
    if form and (check or html):
        other = "--check compares" if check else "--html writes"
        raise UserError(f"--format prints and {other}: choose one")
    from sambench.render import check_folder, check_names

    check_names(folder, studies)
    check_folder(folder)
    if form:
        from sambench.render import render

        text, damages, errors = render(form, folder, studies)
        click.echo(text, nl=False)
        _exit(damages, errors)
        return
    from sambench.render import regenerate

    found = regenerate(folder, studies, check=check, infos=_infos() if html else None)
    for path in found.stale:
        click.echo(f"{'stale' if check else 'written'}: {path}")
    for note in found.notes:
        click.echo(note)
    if not (found.stale or found.errors):
        click.echo("all pages are up to date")
    _exit(found.damages, found.errors, stale=check and bool(found.stale))


def _infos() -> dict[str, Any]:
    """What is known of every variant, by its key."""
    import variants

    return {name: variants.info(name) for name in variants.names()}


def _exit(damages: list[str], errors: list[str], *, stale: bool = False) -> None:
    """Tell what is wrong with records, a line each, and exit accordingly."""
    for line in (*damages, *errors):
        click.echo(f"sambench: {line}", err=True)
    if code := 2 if errors else int(bool(damages or stale)):
        raise SystemExit(code)


@cli.command()
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
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--engine", type=click.Choice(["eager", "graph"]), default="eager", show_default=True)
@click.option("--amp", type=click.Choice(["none", "bf16"]), default="none", show_default=True)
@click.option("--rounds", type=Count(1, most=10_000), default=10, show_default=True)
@click.option("--publish", is_flag=True, help="Also write leaderboards/cost-DEVICE.md.")
@click.option("--json", "as_json", is_flag=True, help="Print timings and ratios as JSON.")
def bench(chosen: str, publish: bool, as_json: bool, **settings: Any) -> None:
    """Time a step of each variant, of SAM as peers write it, and of training loops, in turns."""
    import shlex

    from rich.console import Console

    from sambench.cli import limits
    from sambench.config import roster
    from sambench.training import device as devices

    limits.check()
    devices.check(settings["device"])
    for key in chosen.split(",") if chosen != "all" else ():
        roster.check("--variants: ", key.strip())

    import variants as registry
    from sambench.bench import Settings, costs, measure
    from sambench.render.terminal import costs as shown

    names = registry.names() if chosen == "all" else tuple(n.strip() for n in chosen.split(","))
    options = {"variants": chosen, **settings}
    words = [w for k, v in options.items() for w in (f"--{k.replace('_', '-')}", str(v))]
    command = shlex.join(["python", "-m", "sambench", "bench", *words])
    console = Console(stderr=as_json)
    with console.status("") as status:
        found = measure(
            Settings(variants=names, command=command, progress=status.update, **settings)
        )
    if as_json:
        click.echo(json.dumps({**asdict(found), "costs": asdict(costs(found))}))
    else:
        console.print(shown.render(found))
    if publish:
        from sambench.render import publish_costs

        page = publish_costs(found, LEADERBOARDS, _infos())
        console.print(f"published: {page}", markup=False)


@cli.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def variants(name: str | None, as_json: bool) -> None:
    """List the variants, or explain one: formula, paper, ranges, deviations, pitfalls."""
    from sambench.config import roster

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


@cli.group(cls=Commands)
def sweep() -> None:
    """W&B sweeps: of a study, or of any program without a server."""


@sweep.command("export")
@click.argument("name", metavar="STUDY")
@click.option("--variant", "labels", multiple=True, help="Default: every variant of the study.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="e.g. train.epochs=3")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@root_option
def sweep_export(
    name: str, labels: tuple[str, ...], overrides: tuple[str, ...], device: str, root: Path
) -> None:
    """Write a W&B sweep file per variant of a study; `wandb sweep FILE` takes it from there."""
    from sambench import config
    from sambench.training import device as devices

    devices.check(device)
    study = config.load(name, overrides)

    from sambench.sweeps import export

    found = export.files(study, name, root, labels=labels, overrides=overrides, device=device)
    export.write(found)
    arms = {arm.label: arm for arm in study.arms()}
    for path in found:
        click.echo(f"written: {path}")
        if reason := export.why_not_early(study, arms[path.stem.removeprefix("sweep-")]):
            click.echo(f"  without early_terminate: {reason}")
    click.echo("next: wandb sweep FILE, then wandb agent ID, as many as you like")


@sweep.command("run")
@click.argument("file", type=Place())
@click.option("--local", is_flag=True, required=True, help="On this machine, without a server.")
@click.option(
    "--workers",
    type=Count(1, most=MOST_WORKERS),
    default=1,
    show_default=True,
    help="Runs at once.",
)
@click.option("--count", type=click.IntRange(min=1), help="Start at most so many runs now.")
@click.option("--seed", type=Count(0, most=LARGEST_SEED), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the runs as JSON.")
@root_option
@works
def sweep_run(
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
    import shlex

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


@sweep.command("dashboard")
@click.argument("name", metavar="STUDY", default="digits")
@click.option("--project", help="W&B project; default: WANDB_PROJECT, else sambench.")
@click.option("--entity", help="W&B user or team; default: your own.")
@click.option("--upload", type=Place(), help="Upload this file instead of a study's.")
@root_option
def sweep_dashboard(
    name: str, project: str | None, entity: str | None, upload: Path | None, root: Path
) -> None:
    """Make a W&B report of a study: leaderboard, what was tried, what it cost, how it trained.

    Without a login its description is written to runs/STUDY/dashboard.json, for --upload.
    """
    import shlex

    from sambench.sweeps import dashboard

    if upload is not None:
        path, description = upload, dashboard.read(upload)
    else:
        from sambench.analysis import analyse

        analysis = analyse(_told(_records_of(name, root)))
        path = dashboard.place(root, analysis.study)
        chosen = project or os.environ.get("WANDB_PROJECT") or "sambench"
        description = dashboard.describe(analysis, chosen)
        dashboard.write(path, description)
        click.echo(f"written: {path}")
    try:
        click.echo(f"report: {dashboard.upload(description, entity)}")
    except dashboard.NoLogin:
        message = f"W&B knows no key here; {dashboard.LOGIN} {shlex.quote(str(path))}"
        if upload is not None:
            raise UserError(message) from None
        click.echo(f"not uploaded: {message}")
