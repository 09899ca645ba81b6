"""Tuning one arm: an Optuna study that holds its points, or chooses them, and is told how they did.

A pool's points are given. An adaptive sampler chooses its own; this file only fixes its randomness:
a configuration is a function of the study's seed, the trial's number and the trials finished
before it.
"""

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage
from optuna.study import Study as OptunaStudy
from optuna.trial import FrozenTrial, Trial, TrialState

from sambench.config import Arm, Study, fingerprint
from sambench.scores import Score
from sambench.study import pool
from sambench.study.distribution import distribution
from sambench.study.storage import points, surely
from sambench.training import Outcome

T = TypeVar("T")

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
        with warnings.catch_warnings():  # a diverged run may be infinitely bad, which GPs clip
            warnings.filterwarnings("ignore", "Clip non-finite values")
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
        case "random":  # all of its points are given
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


def study_name(study: Study, arm: Arm, *kind: str) -> str:
    """What Optuna calls an arm's trials: digits/sam 1f3a9c2e.

    The digits change with whatever its runs depend on, so that a database may hold them all.
    """
    content = json.dumps([fingerprint(study), arm.model_dump(mode="json")], sort_keys=True)
    digits = hashlib.sha256(content.encode()).hexdigest()[:8]
    return f"{'/'.join([study.name, arm.label, *kind])} {digits}"


def open_study(
    storage: BaseStorage,
    name: str,
    sampler: BaseSampler | None = None,
    pruner: optuna.pruners.BasePruner | None = None,
    *,
    direction: Literal["minimize", "maximize"],
) -> OptunaStudy:
    """Of this name, whether it exists or not; `direction`: of the score."""
    options = {"storage": storage, "sampler": sampler, "pruner": pruner, "study_name": name}
    try:
        return optuna.load_study(**options)
    except KeyError:
        return optuna.create_study(**options, direction=direction, load_if_exists=True)


class Tuner:
    """One arm's trials, kept in an Optuna storage: a point of the pool each.

    Its one driver knows what is there without looking again. Every method may be called again
    after it failed.
    """

    def __init__(self, study: Study, arm: Arm, storage: BaseStorage) -> None:
        self.study = study
        self.arm = arm
        self._decides = study.task.decides
        self._watched = f"val_{self._decides.name}"
        self._storage = storage
        self._open: dict[int, Trial] = {}
        """the trials of points that run"""
        self._told: dict[int, int] = {}
        """point -> up to which percent of its schedule its trial was told"""
        name = study_name(study, arm)
        chosen = sampler(study, arm), pruner(study, arm)
        self._optuna = open_study(storage, name, *chosen, direction=self._decides.direction)
        self._list()

    def _surely(self, call: Callable[[], T]) -> T:
        return surely(self._storage, call, self._list)

    def _list(self) -> None:
        """Which points have a trial. One that failed has none: its run is repeated, in another."""
        if self.study.search.sampler != "random":
            self._optuna.get_trials(deepcopy=False)  # samplers will: a database keeps them in mind
        found = points(self._storage, self._optuna._study_id, POINT)
        kept = [(point, id, state) for point, id, state in found if state != TrialState.FAIL]
        self._trials = {point: id for point, id, state in reversed(kept)}
        self._ended = {point for point, _, state in kept if state.is_finished()}

    def knows(self, point: int) -> dict[str, Any] | None:
        """What a point tries, None where a sampler has yet to choose it."""
        if self.study.search.sampler == "random":
            return pool.parameters(self.study, self.arm, point)
        return self.ask(point) if point in self._trials else None

    def ask(self, point: int) -> dict[str, Any]:
        """The parameters of a point, whose trial now runs: a new one, or one left unfinished."""
        return self._surely(lambda: self._ask(point))

    def _ask(self, point: int) -> dict[str, Any]:
        if point not in self._trials:
            known = {}
            if self.study.search.sampler == "random":
                known = pool.parameters(self.study, self.arm, point)
            self._create(point, known, TrialState.RUNNING)
        trial = Trial(self._optuna, self._trials[point])
        self._open[point] = trial
        self._told[point] = max(trial._cached_frozen_trial.intermediate_values, default=-1)
        if point in self._ended:  # its run is repeated: its result was lost, or is elsewhere
            return trial.params
        return {
            name: trial._suggest(name, distribution(space))  # as `ask` does with fixed ones
            for name, space in self.arm.space.items()
        }

    def _create(
        self, point: int, parameters: dict[str, Any], state: TrialState, **more: Any
    ) -> None:
        """With all that is known of it, in one transaction."""
        attributes = {
            POINT: point,
            "variant": self.arm.key,
            "label": self.arm.label,
            "streams": pool.streams(self.study, point).streams,
        }
        template = optuna.create_trial(
            state=state,
            params=parameters,
            distributions={name: distribution(self.arm.space[name]) for name in parameters},
            user_attrs=attributes | more.pop("user_attrs", {}),
            **more,
        )
        created = self._storage.create_new_trial(self._optuna._study_id, template)
        self._trials[point] = created
        self._optuna._thread_local.cached_all_trials = None  # samplers look again, as after `ask`

    def report(self, point: int, row: Mapping[str, float], epochs: int) -> bool:
        """Notes an epoch's validation score; says whether to prune the trial."""
        return self._surely(lambda: self._report(point, row, epochs))

    def _report(self, point: int, row: Mapping[str, float], epochs: int) -> bool:
        percent, trial = _percent(row, epochs), self._open[point]
        if point in self._ended or self._told[point] > percent:  # a killed process got further:
            return False  # it did not prune
        if percent > self._told[point]:
            trial.report(row[self._watched], percent)
            self._told[point] = percent
        return self.study.search.pruner != "none" and percent < 100 and trial.should_prune()

    def tell(self, point: int, outcome: Outcome, wandb: str = "") -> None:
        """Ends a point's trial, once."""
        self._surely(lambda: self._tell(point, outcome, wandb))

    def _tell(self, point: int, outcome: Outcome, wandb: str) -> None:
        if point in self._ended or point not in self._trials:
            return
        trial, epochs = self._open[point], self.arm.epochs
        for row in outcome.history:
            if (percent := _percent(row, epochs)) > self._told[point]:
                trial.report(row[self._watched], percent)
                self._told[point] = percent
        for name, value in ending(outcome, wandb).items():
            trial.set_user_attr(name, value)
        state, value = ended(outcome, self._decides)
        self._optuna.tell(trial, value, state, skip_if_finished=True)
        del self._open[point]
        if state == TrialState.FAIL:
            del self._trials[point]
        else:
            self._ended.add(point)

    def add(self, point: int, parameters: dict[str, Any], outcome: Outcome, wandb: str) -> None:
        """A run that ended elsewhere, or before: its trial is ended, or made if there is none."""
        if point not in self._ended:
            self._surely(lambda: self._add(point, parameters, outcome, wandb))

    def _add(self, point: int, parameters: dict[str, Any], outcome: Outcome, wandb: str) -> None:
        if point in self._trials:
            self._ask(point)
            self._tell(point, outcome, wandb)
            return
        state, value = ended(outcome, self._decides)
        rows = reversed(outcome.history)  # of those in the same percent the first
        values = {_percent(row, self.arm.epochs): row[self._watched] for row in rows}
        if state == TrialState.PRUNED and values:
            value = values[max(values)]  # as Optuna's own `tell`
        self._create(
            point,
            parameters,
            state,
            value=value,
            intermediate_values=values,
            user_attrs=ending(outcome, wandb),
        )
        self._ended.add(point)


def _percent(row: Mapping[str, float], epochs: int) -> int:
    """How much of its schedule a run has behind it."""
    return 100 * int(row["epoch"]) // epochs


def ended(outcome: Outcome, decides: Score) -> tuple[TrialState, float | None]:
    """How Optuna sees it. A diverged run scores the worst there is, so that adaptive samplers keep
    away."""
    match outcome.outcome:
        case "pruned":
            return TrialState.PRUNED, None
        case "failed":
            return TrialState.FAIL, None
    return TrialState.COMPLETE, decides.worst if outcome.val is None else outcome.val


def ending(outcome: Outcome, wandb: str = "") -> dict[str, Any]:
    """What a trial's attributes say of its end."""
    found = {
        "outcome": outcome.outcome,
        "reason": outcome.reason,
        "epochs_done": outcome.epochs_done,
        "gradient_evaluations": outcome.gradient_evaluations,
        "wandb": outcome.wandb or wandb,
    }
    return {name: value for name, value in found.items() if value != ""}
