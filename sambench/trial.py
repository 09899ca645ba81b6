"""One run of a study's task with settings of one's own, validation only."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import variants
from sambench import data, device, seeds, train
from sambench.config import Study, VariantTable, fingerprint
from sambench.config.arms import Arm, arm
from sambench.distributed import ALONE, World
from sambench.errors import UserError, nearest
from sambench.files import write_atomically
from sambench.preflight import preflight
from sambench.protocol import epochs, settable
from sambench.swept import IDENTITY
from sambench.train import NO_PARTS, Outcome, Report, Run


def plan(
    study: Study,
    variant: str,
    *,
    lr: float,
    rho: float | None = None,
    fix: Mapping[str, Any] | None = None,
    epochs_factor: float = 1.0,
    seed: int = 0,
    on: str = "auto",
    stage: str = "trial",
) -> Run:
    """The run of `variant`, one of the study's labels or any registered name.

    rho: its radius, whatever the variant calls it; fix: its other hyperparameters
    epochs_factor: the length of its schedule, in units of the study's
    UserError where the registry knows better.
    """
    if lr <= 0:
        raise UserError(f"--lr must be > 0, got {lr}")
    if epochs_factor <= 0:
        raise UserError(f"--epochs-factor must be > 0, got {epochs_factor}")
    found = _arm(study, variant)
    chosen = dict(fix or {})
    if rho is not None:
        if found.radius is None:
            raise UserError(f"--rho: {found.key} has no radius")
        chosen[found.radius] = rho
    try:
        settings = settable(variants.create(found.key, **found.fix | chosen))
    except ValueError as error:
        raise UserError(str(error)) from None
    return Run(
        study=study,
        label=found.label,
        key=found.key,
        stage=stage,
        trial=0,
        seeds=seeds.derive(study.seed + seed),
        lr=lr,
        hyperparameters=settings,
        epochs=epochs(study, epochs_factor),
        radius=found.radius,
        device=device.resolve(on),
    )


def execute(
    run: Run,
    folder: Path,
    cache: Path,
    report: Report = lambda row: False,
    checkpoint_every_s: float = 10.0,
    world: World = ALONE,
) -> Outcome:
    """Trains it in `folder`, or goes on there; UserError if the folder holds another trial."""
    done, data_digest = world.first(lambda: _begun(run, folder, cache, world.size))
    return done or train.run(
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
        "seed": run.seeds.number,
        "device": run.device,
        **run.setting,
        **({"processes": processes} if processes > 1 else {}),
    }
    identity = folder / IDENTITY
    known = json.loads(identity.read_text()) if identity.exists() else None
    began_with = known.pop("data_digest", None) if known else None
    if known is not None and known != stored:
        raise UserError(f"{folder} holds another trial; choose another --out")
    if (done := train.finished(run, folder)) is not None and known is not None:
        return done, began_with
    preflight(run.study, run.device, cache, NO_PARTS, [_arm(run.study, run.label)])
    found = data.digest(data.contents(run.study.task, cache))
    if began_with not in (None, found):
        raise UserError(
            f"task.dataset: {run.study.task.dataset} has changed since the trial in {folder} "
            "began; undo that, or choose another --out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(identity, json.dumps({**stored, "data_digest": found}))
    return None, found


def as_dict(run: Run, outcome: Outcome) -> dict[str, Any]:
    """What was run and how it ended; trials see no test set."""
    found = {k: v for k, v in asdict(outcome).items() if not k.startswith("test_")}
    named = {"study": run.study.name, "variant": run.label, "seed": run.seeds.number}
    return {**named, **run.setting, **found}


def _arm(study: Study, name: str) -> Arm:
    arms = {found.label: found for found in study.arms()}
    if name in arms:
        return arms[name]
    if name not in variants.names():
        hint = nearest(name, {*arms, *variants.names()})
        raise UserError(f"--variant: unknown variant {name!r}, {hint}")
    return arm("--variant", VariantTable(name=name), study.search.space["lr"])
