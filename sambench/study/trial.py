"""One run of a study's task with settings of one's own, validation only."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import variants
from sambench import executors, seeds
from sambench.config import Arm, Study, VariantTable, arms, check_choice, epochs_of, fingerprint
from sambench.errors import UserError, nearest
from sambench.executors import Assignment
from sambench.files import write_sealed
from sambench.study.agent_trials import IDENTITY, identity
from sambench.study.preflight import preflight
from sambench.study.protocol import settable
from sambench.tasks import digest
from sambench.training import (
    NO_POINT,
    RESULT_FILE,
    Custom,
    Outcome,
    Report,
    Run,
    World,
    checkpoint,
    device,
    finished_outcome,
    train,
)


def plan(
    study: Study,
    variant: str,
    *,
    lr: float,
    rho: float | None = None,
    fix: Mapping[str, object] | None = None,
    length: float | None = None,
    seed: int = 0,
    on: str = "auto",
    stage: str = "trial",
) -> Run:
    """The run of `variant`, one of the study's labels or any registered name.

    rho: its radius, whatever the variant calls it; fix: its other hyperparameters
    length: of its schedule, in units of the study's; default: the arm's, else 1
    UserError where the registry knows better.
    """
    chosen = dict(fix or {})
    check_choice(lr, 1.0 if length is None else length, {"rho": rho, **chosen})
    found = _arm(study, variant)
    if rho is not None:
        if found.radius is None:
            raise UserError(f"--rho: {found.key} has no radius")
        chosen[found.radius] = rho
    try:
        settings = settable(variants.create(found.key, **found.fix | chosen))
    except ValueError as error:
        raise UserError(str(error)) from None
    own = found.epochs if length is None else epochs_of(length, study.train.epochs)
    return Run(
        study=study,
        label=found.label,
        key=found.key,
        stage=stage,
        point=NO_POINT,
        rerun=0,
        seeds=seeds.derive(study.seed, "trial", seed),
        lr=lr,
        hyperparameters=settings,
        epochs=own,
        radius=found.radius,
        device=device.resolve(on),
    )


def execute(
    run: Run,
    folder: Path,
    cache: Path,
    report: Report = lambda row: False,
    checkpoint_every_s: float = 10.0,
    world: World = World(),
) -> Outcome:
    """Trains it in `folder`, or goes on there; one that failed is tried again.

    UserError if the folder holds another trial. What goes wrong is the trial's outcome; where
    several processes train it each raises what is wrong with it.
    """
    done, data_digest = world.first(lambda: _begun(run, folder, cache, world.size))
    if done is not None:
        return done
    if world.size == 1:
        job = Assignment(run, folder, cache, checkpoint_every_s, Custom(), data_digest)
        return executors.execute(job, report)
    return train(
        run,
        folder,
        report,
        cache=cache,
        checkpoint_every_s=checkpoint_every_s,
        world=world,
        data_digest=data_digest,
    )


def _begun(
    run: Run, folder: Path, cache: Path, processes: int
) -> tuple[Outcome | None, str | None]:
    """The outcome if the trial ended before; else folder and data are made ready: their digest."""
    stored = {
        "study": fingerprint(run.study),
        "variant": run.key,
        "label": run.label,
        "streams": run.seeds.streams,
        "device": run.device,
        **run.setting,
        **({"processes": processes} if processes > 1 else {}),
    }
    held = identity(folder, remedy="choose another --out")
    began_with = held.pop("data_digest", None) if held else None
    if held is not None:
        if held != stored:
            raise UserError(f"{folder} holds another trial; choose another --out")
        if (done := finished_outcome(run, folder)) and done.outcome != "failed":
            return done, began_with
    elif taken := [name for name in (RESULT_FILE, checkpoint.NAME) if (folder / name).exists()]:
        raise UserError(
            f"{folder / taken[0]} is there already, and no {IDENTITY} says that it is a trial's; "
            "choose another --out"
        )
    preflight(run.study, run.device, cache, Custom(), [_arm(run.study, run.label)], processes)
    found = digest(run.study.task.contents(cache))
    if began_with not in (None, found):
        raise UserError(
            f"task.dataset: {run.study.task.dataset} has changed since the trial in {folder} "
            "began; undo that, or choose another --out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_sealed(folder / IDENTITY, {**stored, "data_digest": found})
    return None, found


def as_dict(run: Run, outcome: Outcome) -> dict[str, object]:
    """What was run and how it ended; trials see no test set."""
    found = asdict(outcome)
    for name in ("objective", "scores", "items", "spent"):
        del found[name]
    names = [f"val_{score.name}" for score in run.study.task.scores]
    validation = {name: outcome.scores.get(name) for name in names}
    named = {
        "study": run.study.name,
        "variant": run.label,
        "point": None if run.point == NO_POINT else run.point,
        "streams": run.seeds.streams,
        "label_noise": run.study.task.label_noise,
    }
    return {**named, **run.setting, **found, **validation}


def _arm(study: Study, name: str) -> Arm:
    known = {found.label: found for found in study.arms()}
    if name in known:
        return known[name]
    if name not in variants.names():
        hint = nearest(name, {*known, *variants.names()})
        raise UserError(f"--variant: unknown variant {name!r}, {hint}")
    table = VariantTable(name=name, length=(1.0,))
    return arms("--variant", table, study.search.rates, study.train.epochs)[0]
