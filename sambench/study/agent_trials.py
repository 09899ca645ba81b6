"""Trials that W&B agents ran: how they come into their study's storage and records.

A trial leaves its result in runs/STUDY/sweeps/SWEEP/RUN/, whatever else goes on. From there it is
collected: counted once, under the number it gets in the Optuna study "FINGERPRINT/LABEL/sweep". The
study's own trials keep their numbers, and its samplers never see these.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from sambench import seeds
from sambench.config import Arm, Space, Study, fingerprint
from sambench.errors import UserError
from sambench.files import read_sealed, write_atomically
from sambench.study.distribution import distribution, widened
from sambench.study.protocol import epochs
from sambench.training import RESULT_FILE, Damaged, Outcome, Run, read_outcome

IDENTITY = "trial.json"
ADMITTED = "admitted.json"

IGNORE = "remove its folder, and the trial does not count"
KEYS = {
    "study": str,
    "variant": str,
    "label": str,
    "seed": int,
    "device": str,
    "lr": int | float,
    "hyperparameters": dict,
    "epochs": int,
}
"""What identifies a trial, and of which type that is."""


@dataclass(frozen=True)
class AgentTrial:
    """A trial that an agent ran to its end."""

    run: Run
    outcome: Outcome
    folder: Path

    @property
    def key(self) -> str:
        """SWEEP/RUN, by which it is counted once."""
        return f"{self.folder.parent.name}/{self.folder.name}"


def folder(study_folder: Path, sweep_id: str, run_id: str) -> Path:
    """Where an agent's trial leaves its result."""
    return study_folder / "sweeps" / sweep_id / run_id


def found(study_folder: Path, study: Study, arms: Sequence[Arm]) -> list[AgentTrial]:
    """Every trial that is over, oldest first; those of variants outside the study are left out."""
    known = {arm.label: arm for arm in arms}
    paths = sorted(
        study_folder.glob(f"sweeps/*/*/{RESULT_FILE}"), key=lambda p: (p.stat().st_mtime, str(p))
    )
    trials = (_read(path.parent, study, known) for path in paths)
    return [trial for trial in trials if trial is not None]


def _read(path: Path, study: Study, arms: Mapping[str, Arm]) -> AgentTrial | None:
    stored = identity(path)
    if stored is None or stored["label"] not in arms or stored["study"] != fingerprint(study):
        return None
    arm = arms[stored["label"]]
    run = Run(
        study=study,
        label=arm.label,
        key=arm.key,
        stage="search",
        trial=-1,
        seeds=seeds.derive(stored["seed"]),
        lr=stored["lr"],
        hyperparameters=stored["hyperparameters"],
        epochs=stored["epochs"],
        radius=arm.radius,
        device=stored["device"],
    )
    try:
        outcome = read_outcome(run, path)
    except Damaged:
        raise UserError(f"{path / RESULT_FILE} is damaged; {IGNORE}") from None
    if outcome is None:
        raise UserError(
            f"{path}: {IDENTITY} and {RESULT_FILE} tell of different trials; remove the folder, "
            "and the trial does not count"
        )
    return AgentTrial(run, outcome, path)


def identity(path: Path, remedy: str = IGNORE) -> dict[str, Any] | None:
    """What trial a folder holds, None if none; UserError with the remedy if that is damaged."""
    file = path / IDENTITY
    if not file.exists():
        return None
    try:
        stored = read_sealed(file)
        if all(isinstance(stored[key], kind) for key, kind in KEYS.items()):
            return stored
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass
    raise UserError(f"{file} is damaged; {remedy}")


def collect(
    storage: optuna.storages.BaseStorage,
    trials: Iterable[AgentTrial],
    study: Study,
    arms: Sequence[Arm],
) -> dict[str, AgentTrial]:
    """The trials by run id, numbered after the study's own; new ones are added to the storage."""
    waiting = list(trials)
    collected: dict[str, AgentTrial] = {}
    for arm in arms:
        own = [trial for trial in waiting if trial.run.label == arm.label]
        if not own:
            continue
        kept = optuna.create_study(
            storage=storage,
            study_name=f"{fingerprint(study)}/{arm.label}/sweep",
            direction="maximize",
            load_if_exists=True,
        )
        numbers = {t.user_attrs["run"]: t.number for t in kept.get_trials(deepcopy=False)}
        for trial in own:
            if trial.key not in numbers:
                kept.add_trial(_frozen(trial, arm, study))
                numbers[trial.key] = len(numbers)
            number = study.search.trials + numbers[trial.key]
            run = replace(trial.run, trial=number)
            collected[run.id] = replace(trial, run=run)
    return collected


def pairs(trials: Mapping[str, AgentTrial]) -> list[tuple[Run, Outcome]]:
    """As the study's own runs have their outcomes."""
    return [(trial.run, trial.outcome) for trial in trials.values()]


def _frozen(trial: AgentTrial, arm: Arm, study: Study) -> FrozenTrial:
    run, outcome = trial.run, trial.outcome
    values = {**run.hyperparameters, "lr": run.lr, "epochs_factor": _factor(run, arm)}
    searched = {n: space for n, space in arm.space.items() if _can_hold(space, values.get(n))}
    state = {"pruned": TrialState.PRUNED, "failed": TrialState.FAIL}.get(outcome.outcome)
    return optuna.create_trial(
        state=state or TrialState.COMPLETE,
        value=None if state else outcome.val_accuracy or 0.0,
        params={name: values[name] for name in searched},
        distributions={n: distribution(widened(s, values[n])) for n, s in searched.items()},
        intermediate_values={int(row["epoch"]): row["val_accuracy"] for row in outcome.history},
        user_attrs={"source": "sweep", "run": trial.key},
    )


def _factor(run: Run, arm: Arm) -> float | None:
    """The searched schedule length that makes a run as long as it is."""
    factors = arm.space["epochs_factor"].choices if "epochs_factor" in arm.space else ()
    length = {epochs(run.study, float(factor)): float(factor) for factor in factors or ()}
    return length.get(run.epochs)


def _can_hold(space: Space, value: object) -> bool:
    """Optuna widens a range from trial to trial, but not a list of choices."""
    return value is not None and (space.choices is None or value in space.choices)


def admitted(
    study_folder: Path,
    trials: Mapping[str, AgentTrial],
    arms: Sequence[Arm],
    *,
    decide: bool = True,
) -> set[str]:
    """Ids of the trials that take part in the choice of finalists, the same on every resumption.

    All of them where every variant was swept with as many trials, on the search's seed; else none.
    Decided once, when the first finalist is chosen: later trials must not reopen a study that has
    seen its test set. decide: whether to keep the decision
    """
    path = study_folder / ADMITTED
    if path.exists():
        keys = _kept(path)
    elif any(study_folder.glob("runs/finalist-*")):
        keys = set()
    else:
        keys = {t.key for t in trials.values()} if equal_budget(trials.values(), arms) else set()
        if trials and decide:
            write_atomically(path, json.dumps(sorted(keys)))
    return {id for id, trial in trials.items() if trial.key in keys}


def _kept(path: Path) -> set[str]:
    """The decision of an earlier process."""
    try:
        keys = json.loads(path.read_bytes())
        if isinstance(keys, list) and all(isinstance(key, str) for key in keys):
            return set(keys)
    except (ValueError, RecursionError):
        pass
    raise UserError(
        f"{path} is damaged; restore it from a copy, or remove it: if the study has finalists, "
        "the trials of W&B agents then rank nothing"
    )


def equal_budget(trials: Iterable[AgentTrial], arms: Sequence[Arm]) -> bool:
    """Whether every variant was swept with as many trials, all of them on the search's seed."""
    listed = list(trials)
    counts = Counter(trial.run.label for trial in listed)
    numbers = {trial.run.seeds.number - trial.run.study.seed for trial in listed}
    return len({counts[arm.label] for arm in arms}) == 1 and numbers == {seeds.SEARCH}


def standing(
    trials: Mapping[str, AgentTrial], ranked: set[str], arms: Sequence[Arm]
) -> dict[str, object]:
    """What the records' header says of swept trials; empty if there are none."""
    if not trials:
        return {}
    counts = Counter(trial.run.label for trial in trials.values())
    return {"swept": {"trials": {a.label: counts[a.label] for a in arms}, "ranked": len(ranked)}}
