"""`sambench trial`"""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sambench.cli import limits, options
from sambench.cli.parsing import Count, Place, Real
from sambench.errors import UserError, WorkFailed, echo, nearest

if TYPE_CHECKING:
    from sambench.config import Study
    from sambench.sweeps.agent import Agent
    from sambench.training import Outcome, Run


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", metavar="STUDY")
@click.argument("others", metavar="[--NAME=VALUE]...", nargs=-1, type=click.UNPROCESSED)
@click.option("--variant", required=True, help="A label of the study, or any variant.")
@click.option("--point", type=int, help="Of the study's pool: its run is the study's own.")
@click.option("--lr", type=Real(), help="Peak learning rate.")
@click.option("--rho", type=Real(), help="The variant's radius; default: the paper's.")
@click.option(
    "--fix",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another hyperparameter; --NAME=VALUE is the same.",
)
@click.option(
    "--length",
    type=Real(),
    help="Of the schedule, in units of the study's; default: the label's, else 1.",
)
@click.option("--seed", type=Count(0, most=options.LARGEST_SEED), help="Default: 0.")
@options.overrides
@options.imports
@options.device
@click.option("--out", type=Place(), help="Keep result and checkpoints; goes on there.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@options.checkpoint_every
@options.root
def trial(
    name: str,
    others: tuple[str, ...],
    variant: str,
    point: int | None,
    lr: float | None,
    rho: float | None,
    fix: tuple[str, ...],
    length: float | None,
    seed: int | None,
    overrides: tuple[str, ...],
    imports: tuple[Path, ...],
    device: str,
    out: Path | None,
    as_json: bool,
    checkpoint_every: float,
    root: Path,
) -> None:
    """Train one run of a study's task; validation data only.

    With --lr its settings are your own. With --point it is a run of the study's pool: its result
    is left in the study, which does not train it again.

    As the command of a W&B sweep it logs into the agent's run, and the study keeps the result.
    Under torchrun, several processes train a run with settings of your own, each on its share of
    every batch.
    """
    from rich.console import Console

    from sambench import config, plugins
    from sambench.sweeps import called
    from sambench.training import device as devices
    from sambench.training import launch

    agent = called() if out is None else None

    limits.check()
    devices.check(device)
    if unknown := [word for word in others if not word.startswith("--") or "=" not in word]:
        raise _unexpected(unknown[0])
    given = config.assignments("--fix", [*fix, *(word[2:] for word in others)])
    own = {"--lr": lr, "--rho": rho, "--length": length, "--seed": seed, "--out": out}
    own |= {f"--{key}": value for key, value in given.items()}
    if point is not None:
        _check_point(own)
    elif lr is None:
        raise UserError("--lr: a trial needs a learning rate, or the --point of a study's pool")
    else:
        config.check_choice(lr, 1.0 if length is None else length, {"rho": rho, **given})
    launch.check_meeting_place()
    plugins.load(imports)
    study = config.load(name, overrides, variant, root)

    from sambench.render.terminal import trial as shown
    from sambench.study import StudyFolder, cache_folder
    from sambench.study import trial as trials
    from sambench.training import processes  # seconds, and nothing is wrong so far

    with processes.joined() as world, tempfile.TemporaryDirectory() as scratch:
        on = device if world.size == 1 else processes.own_device(device)
        if point is not None:
            run, outcome = _of_point(study, variant, point, on, root, checkpoint_every, agent)
            kept = StudyFolder(root, study).run(run)
        else:
            assert lr is not None
            swept = agent if world.size == 1 else None
            run = trials.plan(
                study,
                variant,
                lr=lr,
                rho=rho,
                fix=given,
                length=length,
                seed=seed or 0,
                on=on,
                stage="sweep" if swept else "trial",
            )
            kept = out or Path(scratch)
            if swept:
                kept, outcome = _of_agent(run, root, swept)
            else:
                cache, every = cache_folder(root), checkpoint_every
                outcome = trials.execute(run, kept, cache, checkpoint_every_s=every, world=world)
        failed = outcome.outcome == "failed"
        trace = _trace(kept, goes=kept == Path(scratch)) if failed else ""
    found = trials.as_dict(run, outcome)
    decides = run.study.task.decides
    if world.leads:
        click.echo(json.dumps(found)) if as_json else Console().print(shown.render(found, decides))
    if failed:
        raise WorkFailed(f"the run failed, {outcome.reason} ({trace})")


def _unexpected(word: str) -> UserError:
    """A word that is neither an option nor a hyperparameter's."""
    known = [name for own in trial.params for name in own.opts if name.startswith("--")]
    close = nearest(word, known) if word.startswith("--") else ""
    hint = f"{close} " if close.startswith("did you mean") else ""
    return UserError(f"unexpected {echo(word)}; {hint}hyperparameters look like --alpha=0.4")


def _trace(folder: Path, *, goes: bool) -> str:
    """Where the traceback of a failed run is; it is printed where its folder goes."""
    from sambench.training import ERROR_FILE

    path = folder / ERROR_FILE
    if not goes:
        return str(path)
    click.echo(path.read_text(), err=True, nl=False)
    return "traceback above"


def _check_point(own: dict[str, object]) -> None:
    """UserError where a run of the pool is asked for that would not be the study's own."""
    from sambench.training import launch

    if chosen := [option for option, value in own.items() if value is not None]:
        told = ", ".join(chosen)
        raise UserError(f"--point: a point of the pool says all of it; leave out {told}")
    if launch.launched():
        raise UserError("--point: a run of the pool is of one process; start it without torchrun")


def _of_agent(run: "Run", root: Path, agent: "Agent") -> "tuple[Path, Outcome]":
    """The folder of a run that a W&B agent starts with settings of its own, and how it ended."""
    from sambench.study import agent_trials
    from sambench.sweeps import agent_trial

    folder = agent_trials.folder(root / run.study.name, agent.sweep_id, agent.run_id)
    return folder, agent_trial.execute(run, root, agent)


def _of_point(
    study: "Study",
    variant: str,
    point: int,
    device: str,
    root: Path,
    checkpoint_every_s: float,
    agent: "Agent | None",
) -> "tuple[Run, Outcome]":
    """The run of a point, by whomever it is asked for."""
    from sambench.study import StudyFolder, cache_folder
    from sambench.study import point as points
    from sambench.sweeps import agent_trial

    folder, cache = StudyFolder(root, study), cache_folder(root)
    run = points.plan(folder, variant, point, device)
    if agent:
        return run, agent_trial.execute_point(run, folder, cache, checkpoint_every_s)
    return run, points.execute(folder, run, cache, checkpoint_every_s=checkpoint_every_s)
