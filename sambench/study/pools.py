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

    def begin(self, points: range) -> list[Run]:
        """Runs of these points, drawn and announced."""
        places = [(i, label) for i in points for label in self._tuners if i < self._sizes[label]]
        runs = [self._run(self._arms[label], point) for point, label in places]
        self._ledger.stage("pool", runs)
        return runs

    def left(self, runs: Iterable[Run], time_is_up: Callable[[], bool]) -> Iterator[Run]:
        """Those that have not ended, each asked for when it is its turn, until time is up."""
        for run in runs:
            if time_is_up():
                return
            tuner = self._tuners[run.label]
            if not self._is_done(tuner, run):
                yield self._protocol.pool_run(tuner.arm, run.point, tuner.ask(run.point))

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

    def _is_done(self, tuner: Tuner, run: Run) -> bool:
        """Whether a point's run ended before: its outcome is kept, and its trial told of it.

        Where a sampler adapts, `run` is only named as the point's is.
        """
        tried = tuner.knows(run.point)
        if tried is None:
            tried = self._tried(tuner.arm, run)
        if tried is None:
            return False
        if self._study.search.sampler != "random":
            run = self._protocol.pool_run(tuner.arm, run.point, tried)
        if not self._ledger.has(run):
            return False
        outcome = self._ledger.results[run.id][1]
        tuner.add(run.point, tried, outcome, self._tracker.address(run))
        return True

    def _tried(self, arm: Arm, run: Run) -> dict[str, Any] | None:
        """What a sampler chose for a point, where only the run's result tells."""
        setting = read_setting(self._ledger.folder.run(run))
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
