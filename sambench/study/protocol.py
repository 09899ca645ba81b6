"""The protocol of a study: pools of random points, reruns of the best, the setting to use.

Each stage is a list of runs that depends on the outcomes of the stage before, and on nothing else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import variants
from sambench import seeds
from sambench.config import Arm, Study
from sambench.stats import Ranking, afforded, counted_passes, smallest_shown
from sambench.study import expected, pool
from sambench.training import NO_POINT, Outcome, Run

Results = Mapping[str, tuple[Run, Outcome]]
"""Every finished run and its outcome, by run id."""


@dataclass(frozen=True)
class Protocol:
    """What a study runs, stage by stage."""

    study: Study
    arms: Mapping[str, Arm]
    device: str

    @cached_property
    def ranks(self) -> bool:
        """Whether pools are ranked: adaptive samplers only tune, fixed settings have none."""
        return expected.is_ranked(self.study, self.arms)

    @cached_property
    def is_fixed(self) -> bool:
        return pool.searches_nothing(self.arms)

    def size(self, arm: Arm) -> int:
        """Points of its pool."""
        return expected.size(self.study, self.arms, arm)

    def pool_run(self, arm: Arm, point: int, parameters: Mapping[str, Any]) -> Run:
        """The run of a point of an arm's pool."""
        chosen = dict(parameters)
        lr = chosen.pop("lr", arm.lr)
        variant = variants.create(arm.key, **arm.fix, **chosen)
        return Run(
            study=self.study,
            label=arm.label,
            key=arm.key,
            stage="pool",
            point=point,
            rerun=0,
            seeds=pool.streams(self.study, point),
            lr=lr,
            hyperparameters=settable(variant),
            epochs=arm.epochs,
            radius=arm.radius,
            device=self.device,
        )

    def confirmations(self, results: Results) -> list[Run]:
        """The reruns of each arm's best points, or of its fixed setting; the first reruns first."""
        if self.is_fixed:
            fixed = [self.pool_run(arm, 0, {}) for arm in self.arms.values()]
            counts = [(run, self.study.confirm.seeds) for run in fixed]
        elif self.ranks:
            counts = list(self._reruns(results))
        else:
            counts = []
        most = max((num for _, num in counts), default=0)
        return [self.confirm_run(run, j) for j in range(most) for run, num in counts if j < num]

    def settings(self, chosen: Mapping[str, Mapping[str, Any]]) -> list[Run]:
        """The runs of each arm's setting to use; `chosen`: label -> searched name -> value."""
        return [
            self.setting_run(self.arms[label], own, j)
            for j in range(self.study.search.searches)
            for label, own in chosen.items()
        ]

    def confirm_run(self, run: Run, rerun: int) -> Run:
        """A point's run, again."""
        streams = seeds.derive(self.study.seed, "confirm", run.point, rerun)
        return replace(run, stage="confirm", rerun=rerun, seeds=streams)

    def setting_run(self, arm: Arm, chosen: Mapping[str, Any], rerun: int) -> Run:
        """A run of an arm's setting to use."""
        run = self.pool_run(arm, NO_POINT, chosen)
        streams = seeds.derive(self.study.seed, "setting", rerun)
        return replace(run, stage="setting", rerun=rerun, seeds=streams)

    def pools(self, results: Results) -> dict[str, dict[int, tuple[Run, Outcome]]]:
        """Runs of each arm's pool that ended, by point; those that failed are no points."""
        found: dict[str, dict[int, tuple[Run, Outcome]]] = {label: {} for label in self.arms}
        for run, outcome in results.values():
            if run.stage == "pool" and run.label in found and outcome.outcome != "failed":
                found[run.label][run.point] = (run, outcome)
        return found

    def rankings(self, results: Results) -> dict[str, Ranking]:
        """Of each arm's pool so far, by validation score."""
        return {
            label: Ranking.of({i: self._merit(outcome) for i, (_, outcome) in own.items()})
            for label, own in self.pools(results).items()
        }

    def _merit(self, outcome: Outcome) -> float | None:
        """The validation score, turned so that more is better."""
        return None if outcome.val is None else self.study.task.decides.sign * outcome.val

    def is_complete(self, results: Results) -> bool:
        """Whether every pool has its points."""
        pools = self.pools(results)
        return all(len(pools[label]) >= self.size(arm) for label, arm in self.arms.items())

    def _reruns(self, results: Results) -> Iterator[tuple[Run, int]]:
        """Points to confirm and how often (rule 4)."""
        pools, rankings = self.pools(results), self.rankings(results)
        trials = {label: self._trials(self.arms[label], own) for label, own in pools.items() if own}
        for label, k in trials.items():
            ranking = rankings[label]
            smallest = smallest_shown(trials.values(), k)
            counts = ranking.reruns(k, self.study.search.searches, smallest)
            for point, num in zip(ranking.points, counts, strict=False):
                yield pools[label][point][0], num

    def _trials(self, arm: Arm, own: Mapping[int, tuple[Run, Outcome]]) -> Fraction:
        """What the budget affords, by counted evaluations."""
        complete = [o for _, o in own.values() if o.outcome == "complete"]
        counted, steps = [o.gradient_evaluations for o in complete], [o.steps for o in complete]
        passes = counted_passes(counted, steps, arm.passes)
        length = Fraction(arm.epochs, self.study.train.epochs)
        return afforded(self.study.search.budget, passes, length)


def settable(variant: variants.Variant) -> dict[str, Any]:
    """The hyperparameters that a study file can set, as records keep them: plain values.

    Left out is a variant within a variant, which a study leaves at its default.
    """
    values = {name: getattr(variant, name) for name in variant.hyperparameters()}
    return {k: v for k, v in values.items() if isinstance(v, bool | int | float | str)}
