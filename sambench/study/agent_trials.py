"""Trials that W&B agents ran with settings of their own: shown beside their study, not ranked.

A trial leaves its result in runs/STUDY/sweeps/SWEEP/RUN/, whatever else goes on. From there it is
collected: counted once, under the number it gets in an Optuna study, "STUDY/LABEL/sweep". A trial
of one of the pool's points is none of these: it is the study's own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from sambench.config import Arm, Space, Study, fingerprint
from sambench.errors import UserError
from sambench.files import read_sealed
from sambench.seeds import STREAMS, Seeds
from sambench.study.distribution import distribution, widened
from sambench.study.tuner import ended, ending, open_study, study_name
from sambench.training import NO_POINT, RESULT_FILE, Damaged, Outcome, Run, read_outcome

IDENTITY = "trial.json"

IGNORE = "remove its folder, and the trial does not count"
KEYS = {
    "study": str,
    "variant": str,
    "label": str,
    "streams": dict,
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


def found(study_folder: Path, study: Study, arms: Mapping[str, Arm]) -> list[AgentTrial]:
    """Every trial that is over, oldest first; those of variants outside the study are left out."""
    paths = sorted(
        study_folder.glob(f"sweeps/*/*/{RESULT_FILE}"), key=lambda p: (p.stat().st_mtime, str(p))
    )
    trials = (_read(path.parent, study, arms) for path in paths)
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
        stage="sweep",
        point=NO_POINT,
        rerun=0,
        seeds=_seeds(stored["streams"], path),
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


def _seeds(streams: Mapping[str, object], path: Path) -> Seeds:
    values = [streams.get(name) for name in STREAMS]
    if not all(isinstance(value, int) for value in values):
        raise UserError(f"{path / IDENTITY} is damaged; {IGNORE}")
    return Seeds(*values)  # pyright: ignore[reportArgumentType]


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
    arms: Mapping[str, Arm],
) -> dict[str, AgentTrial]:
    """The trials by run id, numbered; new ones are added to the storage."""
    waiting = list(trials)
    collected: dict[str, AgentTrial] = {}
    for label, arm in arms.items():
        own = [trial for trial in waiting if trial.run.label == label]
        if not own:
            continue
        direction = study.task.decides.direction
        kept = open_study(storage, study_name(study, arm, "sweep"), direction=direction)
        numbers = {t.user_attrs["run"]: t.number for t in kept.get_trials(deepcopy=False)}
        for trial in own:
            if trial.key not in numbers:
                kept.add_trial(_frozen(trial, arm))
                numbers[trial.key] = len(numbers)
            run = replace(trial.run, point=numbers[trial.key])
            collected[run.id] = replace(trial, run=run)
    return collected


def pairs(trials: Mapping[str, AgentTrial]) -> list[tuple[Run, Outcome]]:
    """As the study's own runs have their outcomes."""
    return [(trial.run, trial.outcome) for trial in trials.values()]


def _frozen(trial: AgentTrial, arm: Arm) -> FrozenTrial:
    run, outcome = trial.run, trial.outcome
    values = {**run.hyperparameters, "lr": run.lr}
    searched = {n: space for n, space in arm.space.items() if _can_hold(space, values.get(n))}
    state, value = ended(outcome, run.study.task.decides)
    return optuna.create_trial(
        state=state,
        value=value,
        params={name: values[name] for name in searched},
        distributions={n: distribution(widened(s, values[n])) for n, s in searched.items()},
        intermediate_values=dict(enumerate(outcome.curve, 1)),
        user_attrs={
            "source": "sweep",
            "run": trial.key,
            "variant": arm.key,
            "label": arm.label,
            "streams": run.seeds.streams,
            **ending(outcome),
        },
    )


def _can_hold(space: Space, value: object) -> bool:
    """Optuna widens a range from trial to trial, but not a list of choices."""
    return value is not None and (space.choices is None or value in space.choices)


def standing(trials: Mapping[str, AgentTrial], arms: Mapping[str, Arm]) -> dict[str, object]:
    """What the records' header says of swept trials; empty if there are none."""
    if not trials:
        return {}
    counts = Counter(trial.run.label for trial in trials.values())
    return {"swept": {label: counts[label] for label in arms}}
