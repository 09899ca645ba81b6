"""`sambench trial`"""

import json
import tempfile
from pathlib import Path

import click

from sambench.cli import limits, options
from sambench.cli.parsing import Place, Real
from sambench.errors import UserError, echo


@click.command(context_settings={"ignore_unknown_options": True})
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
@options.seed
@options.overrides
@options.device
@click.option("--out", type=Place(), help="Keep result and checkpoints; goes on there.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@options.checkpoint_every
@options.root
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
    from rich.console import Console

    from sambench import config
    from sambench.sweeps import called
    from sambench.training import device as devices
    from sambench.training import launch

    by = called() if out is None else None

    limits.check()
    devices.check(device)
    if unknown := [word for word in others if not word.startswith("--") or "=" not in word]:
        raise UserError(f"unexpected {echo(unknown[0])}; hyperparameters look like --alpha=0.4")
    given = config.assignments("--fix", [*fix, *(word[2:] for word in others)])
    config.check_choice(lr, epochs_factor, {"rho": rho, **given})
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
