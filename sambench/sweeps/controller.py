"""What W&B's sweep controller does: says which config is next, and keeps how runs ended.

An Optuna journal holds all of it and survives the process: a run that was cut off is given out
again, under a new run id.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import optuna
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState

from sambench.sweeps.parameters import Parameter, nested
from sambench.sweeps.sweep_file import Metric, Sweep

STARTUP = 10  # runs that bayes draws at random


@dataclass(frozen=True)
class Planned:
    """A run to start."""

    number: int
    run_id: str
    config: dict[str, object]


@dataclass(frozen=True)
class Ended(Planned):
    """A run that is over."""

    state: str
    """"finished", "stopped" (by early_terminate) or "failed\""""
    exit_code: int
    best: float | None
    """the best value of the metric: W&B's engine optimizes this"""
    last: float | None
    """the metric's value in the run's summary"""
    history: tuple[float, ...]


class Controller:
    """Decides on the runs of one sweep."""

    def __init__(
        self, sweep: Sweep, sweep_id: str, storage: optuna.storages.BaseStorage, seed: int = 0
    ) -> None:
        self._sweep = sweep
        self._id = sweep_id
        self._seed = seed
        maximize = sweep.metric is not None and sweep.metric.goal == "maximize"
        self._study = optuna.create_study(
            storage=storage,
            sampler=RandomSampler(seed=0),
            study_name=sweep_id,
            direction="maximize" if maximize else "minimize",
            load_if_exists=True,
        )
        self._cut_off = [t.number for t in self._trials() if t.state == TrialState.RUNNING]

    def has_next(self) -> bool:
        """Whether there is a run to start."""
        most = self._sweep.num_configs
        return bool(self._cut_off) or most is None or len(self._trials()) < most

    def ask(self) -> Planned | None:
        """The next run, None if the sweep has no more; first those that were cut off."""
        if self._cut_off:
            trial = Trial(self._study, self._trials()[self._cut_off.pop(0)]._trial_id)
        else:
            if not self.has_next():
                return None
            self._study.sampler = self._sampler(len(self._trials()))
            trial = self._study.ask()
        config = trial.user_attrs.get("config") or self._draw(trial)
        attempt = trial.user_attrs.get("attempt", 0) + 1
        run_id = _hash(self._id, trial.number, attempt)[:8]
        for name, value in (("config", config), ("attempt", attempt), ("run", run_id)):
            trial.set_user_attr(name, value)
        return Planned(trial.number, run_id, config)

    def tell(self, ended: Ended) -> None:
        """Notes how a run ended."""
        trial = Trial(self._study, self._trials()[ended.number]._trial_id)
        for name in ("state", "exit_code", "best", "last"):
            trial.set_user_attr(name, getattr(ended, name))
        for step, value in enumerate(ended.history, 1):
            trial.report(value, step)
        value = ended.best
        if ended.state == "stopped" and value is not None:
            self._study.tell(trial, state=TrialState.PRUNED)
            return
        if ended.state != "finished" and self._sweep.metric is not None:
            value = self._imputed(self._sweep.metric, ended)
        if value is None:
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, value)

    def ended(self) -> list[Ended]:
        """All runs that are over, by number."""
        return [_ended(t) for t in self._trials() if t.state.is_finished()]

    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        """Fresh for each run, so that a resumed sweep goes on as it would have."""
        if self._sweep.method != "bayes":
            return RandomSampler(seed=0)  # draws nothing
        seed = int(_hash(self._seed, number)[:8], 16)
        return TPESampler(seed=seed, n_startup_trials=STARTUP)

    def _draw(self, trial: Trial) -> dict[str, object]:
        drawn = self._sweep.drawn
        if self._sweep.method == "grid":
            values: Sequence[object] = _product(drawn, trial.number)
        elif self._sweep.method == "random":
            values = [p.at(_uniform(self._seed, trial.number, p.name)) for p in drawn]
        else:
            values = [_suggested(trial, p) for p in drawn]
        return nested({p.path: value for p, value in zip(drawn, values, strict=True)})

    def _imputed(self, metric: Metric, ended: Ended) -> float | None:
        """What a failed run counts as, so that bayes keeps away from it; None if unknown."""
        if metric.impute == "best":
            return ended.best
        if metric.impute == "latest":
            return ended.history[-1] if ended.history else None
        known = [metric.sign * run.best for run in self.ended() if run.best is not None]
        return metric.sign * max(known) if known else None


def _product(drawn: Sequence[Parameter], number: int) -> list[object]:
    """The grid's point of this number, as itertools.product counts them: the last one fastest."""
    values = []
    for parameter in reversed(drawn):
        grid = parameter.grid()
        assert grid is not None
        number, place = divmod(number, grid.size)
        values.append(grid.at(place))
    return values[::-1]


def _suggested(trial: Trial, parameter: Parameter) -> object:
    """Optuna searches quantiles, as W&B's own engine does: every distribution is uniform there."""
    if parameter.kind == "constant":
        return parameter.at(0)
    if parameter.kind == "categorical" and (grid := parameter.grid()):
        return grid.at(trial.suggest_categorical(parameter.name, range(grid.size)))
    return parameter.at(trial.suggest_float(parameter.name, 1e-6, 1 - 1e-6))


def _uniform(*words: object) -> float:
    """A number in (0, 1) that is a function of the words alone."""
    return (int(_hash(*words)[:13], 16) + 0.5) / 16**13


def _hash(*words: object) -> str:
    return hashlib.sha256("/".join(map(str, words)).encode()).hexdigest()


def _ended(trial: FrozenTrial) -> Ended:
    attrs = trial.user_attrs
    return Ended(
        number=trial.number,
        run_id=attrs["run"],
        config=attrs["config"],
        state=attrs["state"],
        exit_code=attrs["exit_code"],
        best=attrs["best"],
        last=attrs["last"],
        history=tuple(v for _, v in sorted(trial.intermediate_values.items())),
    )
