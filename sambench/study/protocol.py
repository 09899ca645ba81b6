"""The protocol of a study: tune every arm, rerun the finalists, confirm the winners.

Each stage is a list of runs that depends on the outcomes of the stage before, and on nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import variants
from sambench import seeds
from sambench.config import BASELINE, Arm, Study
from sambench.training import Outcome, Run

Results = Mapping[str, tuple[Run, Outcome]]
"""Every finished run and its outcome, by run id."""


@dataclass(frozen=True)
class Protocol:
    """What a study runs, stage by stage."""

    study: Study
    arms: tuple[Arm, ...]
    device: str

    def search_run(self, arm: Arm, trial: int, parameters: dict[str, Any]) -> Run:
        """Search trial `trial` of an arm, with the parameters that the sampler chose."""
        chosen = dict(parameters)
        lr, factor = chosen.pop("lr"), chosen.pop("epochs_factor", 1)
        variant = variants.create(arm.key, **arm.fix, **chosen)
        return Run(
            study=self.study,
            label=arm.label,
            key=arm.key,
            stage="search",
            trial=trial,
            seeds=seeds.derive(self.study.seed + seeds.SEARCH),
            lr=lr,
            hyperparameters=settable(variant),
            epochs=epochs(self.study, factor),
            radius=arm.radius,
            device=self.device,
        )

    def finalists(self, results: Results) -> list[Run]:
        """The best configurations of every arm, on fresh seeds."""
        numbers = range(seeds.FINALIST, seeds.FINALIST + self.study.finalists.seeds)
        chosen = [run for arm in self.arms for run in self._best_trials(arm, results)]
        return list(self._again("finalist", numbers, chosen))

    def confirmations(self, results: Results) -> list[Run]:
        """The winner of every arm, on new seeds that are the same for all arms."""
        numbers = range(seeds.CONFIRM, seeds.CONFIRM + self.study.confirm.seeds)
        winners = [run for arm in self.arms if (run := self._winner(arm, results))]
        return list(self._again("confirm", numbers, winners))

    def _best_trials(self, arm: Arm, results: Results) -> list[Run]:
        """Ranked by validation accuracy, then loss: accuracies of a few hundred images tie."""
        scored = [
            ((-outcome.val_accuracy, outcome.val_loss, run.trial), run)
            for run, outcome in _complete(results, "search", arm)
            if outcome.val_accuracy is not None
        ]
        scored.sort(key=lambda pair: pair[0])
        return [run for _, run in scored[: self.study.finalists.top]]

    def _winner(self, arm: Arm, results: Results) -> Run | None:
        """The finalist of highest mean validation accuracy among those complete on every seed."""
        scores: dict[int, list[tuple[float, float]]] = {}
        runs: dict[int, Run] = {}
        for run, outcome in _complete(results, "finalist", arm):
            assert outcome.val_accuracy is not None and outcome.val_loss is not None
            scores.setdefault(run.trial, []).append((-outcome.val_accuracy, outcome.val_loss))
            runs[run.trial] = run
        if not scores:
            return None
        most = max(map(len, scores.values()))
        ranked = [
            (_mean(s for s, _ in found), _mean(loss for _, loss in found), trial)
            for trial, found in scores.items()
            if len(found) == most
        ]
        return runs[min(ranked)[2]]

    def _again(self, stage: str, numbers: range, chosen: list[Run]) -> Iterator[Run]:
        for number in numbers:
            for run in chosen:
                fields = {
                    **vars(run),
                    "stage": stage,
                    "seeds": seeds.derive(self.study.seed + number),
                }
                yield Run(**fields)


def epochs(study: Study, factor: float) -> int:
    """The schedule length of a run, from what the baseline searches."""
    return max(1, round(factor * study.train.epochs))


def settable(variant: variants.Variant) -> dict[str, Any]:
    """The hyperparameters that a study file can set, as records keep them: plain values.

    Left out is a variant within a variant, which a study leaves at its default.
    """
    values = {name: getattr(variant, name) for name in variant.hyperparameters()}
    return {k: v for k, v in values.items() if isinstance(v, bool | int | float | str)}


def runs_per_arm(study: Study) -> dict[str, int]:
    """How many runs each stage has of every arm; fewer where trials or finalists fail."""
    return {
        "search": study.search.trials,
        "finalist": study.finalists.top * study.finalists.seeds,
        "confirm": study.confirm.seeds,
    }


def cost(run: Run) -> float:
    """What a run is expected to cost, in epochs of the baseline."""
    return variants.create(run.key, **run.hyperparameters).passes * run.epochs


def expected_cost(study: Study, arms: Iterable[Arm]) -> float:
    """What all stages are expected to cost, in epochs of the baseline."""
    num_runs = sum(runs_per_arm(study).values())
    return sum(expected_passes(arm) for arm in arms) * study.train.epochs * num_runs


def expected_passes(arm: Arm) -> float:
    """Gradient evaluations a step; of the baseline also for its longer schedules, on average."""
    passes = variants.create(arm.key, **arm.fix).passes
    if arm.key != BASELINE:
        return passes
    searched = arm.space.get("epochs_factor")
    factors = searched.choices if searched and searched.choices else (1,)
    return passes * sum(map(float, factors)) / len(factors)


def _complete(results: Results, stage: str, arm: Arm) -> Iterator[tuple[Run, Outcome]]:
    for run, outcome in results.values():
        if (run.stage, run.label, outcome.outcome) == (stage, arm.label, "complete"):
            yield run, outcome


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
