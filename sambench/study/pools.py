"""The pools: every arm at every point, in turn. Optuna keeps the trials."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import optuna

from sambench.config import Arm
from sambench.study import pool
from sambench.study.ledger import Ledger
from sambench.study.protocol import Protocol
from sambench.study.tuner import Tuner
from sambench.tracking import Tracker
from sambench.training import Outcome, Run, read_setting


class Pools:
    """Those of all arms that search something."""

    def __init__(
        self,
        protocol: Protocol,
        ledger: Ledger,
        tracker: Tracker,
        storage: optuna.storages.BaseStorage,
    ) -> None:
        self._protocol = protocol
        self._study = study = protocol.study
        self._arms = arms = ledger.folder.arms
        self._ledger = ledger
        self._tracker = tracker
        self._sizes = {label: protocol.size(arm) for label, arm in arms.items()}
        self._tuners = {
            label: Tuner(study, arms[label], storage) for label in arms if self._sizes[label]
        }

    def begin(self, points: range) -> None:
        runs = [self._run(self._arms[label], point) for point, label in self._places(points)]
        self._ledger.stage("pool", runs)

    def left(self, points: range, time_is_up: Callable[[], bool]) -> Iterator[Run]:
        """Runs that have not ended, each drawn when it is asked for, until time is up."""
        for point, label in self._places(points):
            if time_is_up():
                return
            if not self._is_done(self._tuners[label], point):
                parameters = self._tuners[label].ask(point)
                yield self._protocol.pool_run(self._arms[label], point, parameters)

    def epoch(self, run: Run, row: dict[str, float]) -> bool:
        """Whether to stop it."""
        return self._tuners[run.label].report(run.point, row, run.epochs)

    def ended(self, run: Run, outcome: Outcome) -> None:
        self._tuners[run.label].tell(run.point, outcome, self._tracker.address(run))

    def find(self) -> None:
        """Points that other processes ran, or that came by `merge`."""
        for label in self._tuners:
            for point in range(self._sizes[label]):
                run = self._run(self._arms[label], point)
                if run.id not in self._ledger.results:
                    self._ledger.has(run)

    def _places(self, points: range) -> Iterable[tuple[int, str]]:
        return [(i, label) for i in points for label in self._tuners if i < self._sizes[label]]

    def _is_done(self, tuner: Tuner, point: int) -> bool:
        """Whether a point's run ended before: its outcome is kept, and its trial told of it."""
        tried = tuner.knows(point)
        if tried is None:
            tried = self._tried(tuner.arm, point)
        if tried is None:
            return False
        run = self._protocol.pool_run(tuner.arm, point, tried)
        if not self._ledger.has(run):
            return False
        outcome = self._ledger.results[run.id][1]
        tuner.add(point, tried, outcome, self._tracker.address(run))
        return True

    def _tried(self, arm: Arm, point: int) -> dict[str, Any] | None:
        """What a sampler chose for a point, where only the run's result tells."""
        setting = read_setting(self._ledger.folder.run(self._run(arm, point)))
        if setting is None:
            return None
        values = {**setting["hyperparameters"], "lr": setting["lr"]}
        return (
            {name: values[name] for name in arm.space}
            if values.keys() >= arm.space.keys()
            else None
        )

    def _run(self, arm: Arm, point: int) -> Run:
        """At the point's position; where a sampler adapts, only its name is that of the run."""
        return self._protocol.pool_run(arm, point, pool.parameters(self._study, arm, point))
