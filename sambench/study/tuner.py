"""Tuning one arm: an Optuna study that holds its points, or chooses them, and is told how they did.

A pool's points are enqueued. An adaptive sampler chooses its own; this file only fixes its
randomness: a configuration is a function of the study's seed, the trial's number and the trials
finished before it.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.study import Study as OptunaStudy
from optuna.trial import FrozenTrial, Trial, TrialState

from sambench.config import Arm, Study, fingerprint
from sambench.study import pool
from sambench.study.distribution import distribution
from sambench.training import Outcome

PRUNE_FROM = 30  # percent of a schedule; rankings before that are noise, and large rho starts slow
POINT = "point"  # the attribute of a trial that numbers it
GP_DRAWN = "gp:relative_params:0"  # where Optuna's GP tells other processes what a trial will try


class FreshSampler(BaseSampler):
    """Delegates every decision to a new sampler, seeded by (seed, trial number, parameter).

    One sampler with one seed would answer differently after a restart than without it.
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: int) -> None:
        self._make = make
        self._seed = seed

    def _sampler(self, trial: FrozenTrial, name: str = "") -> BaseSampler:
        key = f"{self._seed}/{trial.number}/{name}".encode()
        return self._make(int.from_bytes(hashlib.blake2b(key, digest_size=4).digest()))

    def infer_relative_search_space(
        self, study: OptunaStudy, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._sampler(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: OptunaStudy, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, object]:
        drawn = trial.system_attrs.get(GP_DRAWN)
        if drawn:  # by a killed process; drawn again, it would keep away from itself as running
            return json.loads(drawn)
        return self._sampler(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: OptunaStudy,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> object:
        sampler = self._sampler(trial, param_name)
        return sampler.sample_independent(study, trial, param_name, param_distribution)


def sampler(study: Study, arm: Arm) -> BaseSampler:
    """The sampler that a study names, for one arm."""
    startup = _startup(study, arm)
    match study.search.sampler:
        case "random":  # all of its points are enqueued
            return RandomSampler(seed=0)
        case "tpe":
            return FreshSampler(
                lambda seed: TPESampler(seed=seed, n_startup_trials=startup), study.seed
            )
        case "gp":
            return FreshSampler(
                lambda seed: GPSampler(seed=seed, n_startup_trials=startup), study.seed
            )
    raise NotImplementedError(study.search.sampler)


def pruner(study: Study, arm: Arm) -> optuna.pruners.BasePruner:
    """The pruner that a study names. Its steps are percent of a run's own schedule."""
    startup = _startup(study, arm)
    match study.search.pruner:
        case "none":
            return optuna.pruners.NopPruner()
        case "median":
            return optuna.pruners.MedianPruner(startup, PRUNE_FROM)
        case "percentile":
            return optuna.pruners.PercentilePruner(25.0, startup, PRUNE_FROM)
        case "hyperband":
            return optuna.pruners.HyperbandPruner(PRUNE_FROM, 100, 3)
    raise NotImplementedError(study.search.pruner)


def _startup(study: Study, arm: Arm) -> int:
    """Trials before anything is adapted to."""
    return max(1, study.points(arm) // 3)


class Tuner:
    """One arm's trials, kept in an Optuna storage."""

    def __init__(self, study: Study, arm: Arm, storage: optuna.storages.BaseStorage) -> None:
        self.study = study
        self.arm = arm
        self._optuna = optuna.create_study(
            storage=storage,
            sampler=sampler(study, arm),
            pruner=pruner(study, arm),
            study_name=f"{fingerprint(study)}/{arm.label}",
            direction="maximize",
            load_if_exists=True,
        )

    def ask(self, point: int) -> tuple[Trial, dict[str, Any]]:
        """The trial of a point with its parameters: new, or one that a dead process left."""
        known = {t.user_attrs.get(POINT): t for t in self._optuna.get_trials(deepcopy=False)}
        if point in known:
            trial = known[point]
            if trial.state == TrialState.WAITING:
                self._start(trial)
            found = Trial(self._optuna, trial._trial_id)
        elif self.study.search.sampler == "random":
            parameters = pool.parameters(self.study, self.arm, point)
            self._optuna.enqueue_trial(parameters, user_attrs={POINT: point})
            self._start(self._optuna.get_trials(deepcopy=False)[-1])
            return self.ask(point)
        else:
            found = self._optuna.ask()
            found.set_user_attr(POINT, point)
        return found, {
            name: found._suggest(name, distribution(space))  # as `ask` does with fixed ones
            for name, space in self.arm.space.items()
        }

    def _start(self, waiting: FrozenTrial) -> None:
        self._optuna._storage.set_trial_state_values(waiting._trial_id, TrialState.RUNNING)

    def report(self, trial: Trial, row: dict[str, float], epochs: int) -> bool:
        """Notes an epoch's validation accuracy; says whether to prune the trial."""
        if self.study.search.pruner == "none":
            return False
        percent = 100 * int(row["epoch"]) // epochs
        reported = self._reported(trial)
        if max(reported, default=0) > percent:  # a killed process got further: it did not prune
            return False
        if percent not in reported:
            trial.report(row["val_accuracy"], percent)
        return percent < 100 and trial.should_prune()

    def _reported(self, trial: Trial) -> dict[int, float]:
        return self._optuna._storage.get_trial(trial._trial_id).intermediate_values

    def tell(self, trial: Trial, outcome: Outcome) -> None:
        """Ends a trial, once. A diverged one scores 0, so that adaptive samplers keep away."""
        number = trial.number
        if outcome.outcome == "pruned":
            self._optuna.tell(number, state=TrialState.PRUNED, skip_if_finished=True)
        elif outcome.outcome == "failed":
            self._optuna.tell(number, state=TrialState.FAIL, skip_if_finished=True)
        else:
            self._optuna.tell(number, outcome.val_accuracy or 0.0, skip_if_finished=True)
