"""Tuning one arm: an Optuna study asked for configurations and told how they did.

Optuna searches; this file only fixes its randomness, so that a resumed study equals an
uninterrupted one: a configuration is a function of the study's seed, the trial's number and the
trials finished before it.
"""

import hashlib
import json
import math
from collections.abc import Callable
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.study import Study as OptunaStudy
from optuna.trial import FrozenTrial, Trial, TrialState
from scipy.stats import qmc

from sambench.config import Arm, Study, fingerprint
from sambench.study.distribution import distribution
from sambench.training import Outcome

PRUNE_FROM = 30  # percent of a schedule; rankings before that are noise, and large rho starts slow
GP_DRAWN = "gp:relative_params:0"  # where Optuna's GP tells other processes what a trial will try


class HaltonSampler(BaseSampler):
    """Scrambled Halton points: trial i takes point i, the n-th searched parameter column n.

    Points depend on the seed and the trial's number alone, so all arms of a study share them
    whatever their number of workers. Halton (1960), doi:10.1007/BF01386213.
    """

    def __init__(self, columns: tuple[str, ...], seed: int) -> None:
        self._columns = columns
        self._seed = seed

    def infer_relative_search_space(
        self, study: OptunaStudy, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: OptunaStudy, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self,
        study: OptunaStudy,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        column = self._columns.index(param_name)
        sequence = qmc.Halton(d=column + 1, rng=self._seed)
        sequence.fast_forward(trial.number)
        return _at(param_distribution, float(sequence.random(1)[0, column]))


def _at(distribution: BaseDistribution, u: float) -> Any:
    """The value at quantile u in [0, 1) of a distribution."""
    match distribution:
        case CategoricalDistribution(choices=choices):
            return choices[int(u * len(choices))]
        case IntDistribution(low=low, high=high):
            return low + int(u * (high - low + 1))
        case FloatDistribution(low=low, high=high, log=True):
            return math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
        case FloatDistribution(low=low, high=high):
            return low + u * (high - low)
    raise NotImplementedError(distribution)


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
    ) -> dict[str, Any]:
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
    ) -> Any:
        sampler = self._sampler(trial, param_name)
        return sampler.sample_independent(study, trial, param_name, param_distribution)


def sampler(study: Study, arm: Arm) -> BaseSampler:
    """The sampler that a study names, for one arm."""
    startup = max(1, study.search.trials // 3)
    match study.search.sampler:
        case "halton":
            return HaltonSampler(tuple(arm.space), study.seed)
        case "random":
            return FreshSampler(lambda seed: RandomSampler(seed=seed), study.seed)
        case "tpe":
            return FreshSampler(
                lambda seed: TPESampler(seed=seed, n_startup_trials=startup), study.seed
            )
        case "gp":
            return FreshSampler(
                lambda seed: GPSampler(seed=seed, n_startup_trials=startup), study.seed
            )
    raise NotImplementedError(study.search.sampler)


def pruner(study: Study) -> optuna.pruners.BasePruner:
    """The pruner that a study names. Its steps are percent of a run's own schedule."""
    startup = max(1, study.search.trials // 3)
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


class Tuner:
    """One arm's trials, kept in an Optuna storage."""

    def __init__(self, study: Study, arm: Arm, storage: optuna.storages.BaseStorage) -> None:
        self.study = study
        self.arm = arm
        self._optuna = optuna.create_study(
            storage=storage,
            sampler=sampler(study, arm),
            pruner=pruner(study),
            study_name=f"{fingerprint(study)}/{arm.label}",
            direction="maximize",
            load_if_exists=True,
        )

    def ask(self, number: int) -> tuple[Trial, dict[str, Any]]:
        """Trial `number` with its parameters: a new one, or the one a dead process left running."""
        known = {t.number: t for t in self._optuna.get_trials(deepcopy=False)}
        if number in known:
            trial = Trial(self._optuna, known[number]._trial_id)
        else:
            trial = self._optuna.ask()
        return trial, {
            name: trial._suggest(name, distribution(space))  # as `ask` does with fixed ones
            for name, space in self.arm.space.items()
        }

    def report(self, trial: Trial, row: dict[str, float], epochs: int) -> bool:
        """Notes an epoch's validation accuracy; says whether to prune the trial."""
        if self.study.search.pruner == "none":
            return False
        percent = 100 * int(row["epoch"]) // epochs
        reported = self._reported(trial)
        if any(
            step > percent for step in reported
        ):  # a killed process got further: it did not prune
            return False
        if percent not in reported:
            trial.report(row["val_accuracy"], percent)
        return percent < 100 and trial.should_prune()

    def _reported(self, trial: Trial) -> dict[int, float]:
        return self._optuna._storage.get_trial(trial._trial_id).intermediate_values

    def tell(self, number: int, outcome: Outcome) -> None:
        """Ends a trial, once. A diverged one scores 0, so that adaptive samplers keep away."""
        if outcome.outcome == "pruned":
            self._optuna.tell(number, state=TrialState.PRUNED, skip_if_finished=True)
        elif outcome.outcome == "failed":
            self._optuna.tell(number, state=TrialState.FAIL, skip_if_finished=True)
        else:
            self._optuna.tell(number, outcome.val_accuracy or 0.0, skip_if_finished=True)
