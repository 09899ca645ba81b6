"""One call of a study: the pools, the best points again, the settings found, the report."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import optuna

from sambench import executors, measures, plugins, tracking
from sambench.analysis import Leaderboard
from sambench.config import Study
from sambench.errors import UserError
from sambench.executors import Assignment, Limit, Work, Workers, execute, late, lost, prepare
from sambench.measures import Found
from sambench.records import Fit, Record, Score
from sambench.study import agent_trials, results, where
from sambench.study import storage as storages
from sambench.study.activation import idle
from sambench.study.agent_trials import AgentTrial, pairs
from sambench.study.display import Display, noisy_validation
from sambench.study.expected import expected_runs
from sambench.study.failures import Hopeless
from sambench.study.folder import StudyFolder
from sambench.study.foresight import shortcomings
from sambench.study.ledger import Ledger
from sambench.study.options import Settings, cache_folder
from sambench.study.pools import Pools
from sambench.study.preflight import preflight
from sambench.study.protocol import Protocol
from sambench.study.setting import fits
from sambench.study.spending import Spending
from sambench.tasks import digest
from sambench.tracking import Tracker
from sambench.training import RESULT_FILE, Custom, Outcome, Run, device


class Execution:
    """Of a study, with these settings."""

    def __init__(self, study: Study, settings: Settings, custom: Custom) -> None:
        self.study = study = custom.named(study)
        self.settings = settings
        self.custom = custom
        self.measures = measures.chosen(study.measure) if study.measure else {}
        self.folder = StudyFolder(settings.root, study, custom.identity())
        on = None if settings.on is None else executors.chosen(settings.on, settings.workers)
        device = where.device(on, settings.device)
        self.protocol = Protocol(study, self.folder.arms, device)
        keys = {arm.key for arm in self.folder.arms.values()}
        self.plugins = plugins.known({*keys, study.task.kind})
        self.executor = where.executor(
            on, settings.workers, device, custom, self.plugins, settings.console
        )
        if settings.detach:
            where.check_detachable(self.executor, eager=self._eager)
        self.agent_trials: dict[str, AgentTrial] = {}
        self.data_digest: str | None = None
        hours = settings.max_hours
        self.until = None if hours is None else time.time() + 3600 * hours
        self.told: dict[str, Any] = {}
        """what the preflight found for the page's readers"""
        stages = tracking.stages(settings.wandb_runs)
        self.tracker = Tracker(self.folder.path, tracking.mode(settings.wandb), stages)
        self.spending = Spending(self.executor.workers or 1, settings.began)

    def run(self) -> Leaderboard:
        self.spending.turn("preflight")
        self.folder.check()
        points = self._points()
        with ExitStack() as stack:
            stack.enter_context(self.tracker)
            cache = cache_folder(self.settings.root)
            arms = list(self.folder.arms.values())
            if self.custom.training is None:  # else `compare` has seen what it brings
                here = device.resolve("auto") if self.executor.remote else self.protocol.device
                num = self.executor.processes
                task = self.study.task
                what = "a first step" if task.trains_itself else f"two {task.item}s"
                self._say(f"trying data, model and every variant on {what}")
                found = preflight(self.study, here, cache, self.custom, arms, num)
                self.told = {"chance": found.chance, "notes": list(found.notes)}
            self.spending.turn("opening")
            url = storages.chosen(self.settings.storage)
            storage = stack.enter_context(self.folder.opened(url, self._say))
            if not self.custom.brings_data:
                found = self.study.task.contents(cache)
                self.folder.check_data(found)
                self.data_digest = digest(found)
            workers = stack.enter_context(self._opened())
            self.display = stack.enter_context(self._display(points))
            self.ledger = Ledger(
                self.folder,
                self.display,
                self.tracker,
                elsewhere=self.executor.remote,
                data_digest=self.data_digest,
                measured=self._tracked,
            )
            if not self.custom.brings_data and (warning := noisy_validation(self.study)):
                self.display.say(warning)
            for shortcoming in shortcomings(self.study, arms):
                self.display.say(shortcoming)
            self.display.turn("waiting")
            try:
                fits = self._stages(workers, storage, points)
            except Hopeless:
                self._collect(storage)
                self._report({})
                raise
            self._collect(storage)
            for line in self._left():
                self.display.unfinished(line)
            return self._report(fits)

    def _stages(
        self,
        workers: Workers[Assignment, Outcome],
        storage: optuna.storages.BaseStorage,
        points: range,
    ) -> Mapping[str, Fit]:
        """Every run that there is time for; the settings to use, once all have ended."""
        self._pools(workers, storage, points)
        if not self.protocol.is_complete(self.ledger.results):
            return {}
        self._confirm(workers, points)
        if self.settings.points is not None or self.ledger.cut:
            return {}
        score = self.study.task.decides
        found = fits(self.folder.arms, self.ledger.results.values(), score)
        settings = {label: fit.setting for label, fit in found.items()}
        self._stage(workers, "setting", self.protocol.settings(settings))
        return {} if self.ledger.cut else found

    def _left(self) -> Iterator[str]:
        """What did not come to its end."""
        yield from self.ledger.failures.told()
        if self.ledger.cut:
            yield (
                f"time is up, after {self.settings.max_hours:g} hours: {self.display.counted} runs "
                "are done; the same command goes on"
            )

    def _say(self, line: str) -> None:
        self.settings.console.print(line, markup=False, soft_wrap=True)

    def _display(self, points: range) -> Display:
        arms = list(self.folder.arms.values())
        expected = expected_runs(self.study, arms)
        if self.settings.points is not None:  # reruns only once no part of a pool is missing
            own = {
                label: len(range(num)[points.start : points.stop])
                for label, num in expected["pool"].items()
            }
            expected = {stage: own if stage == "pool" else {} for stage in expected}
        own = self.settings
        part = None if own.points is None else f"{own.points.start}:{own.points.stop}"
        return Display(
            own.console,
            self.study,
            arms,
            expected,
            self.executor.workers or 1,
            folder=self.folder.path,
            command=own.resume or own.command,
            points=part,
            spending=self.spending,
        )

    def _points(self) -> range:
        """The points to run; UserError for a part that no pool has."""
        num = max(map(self.protocol.size, self.folder.arms.values()))
        asked = self.settings.points
        if asked is None:
            return range(num)
        if not self.protocol.ranks:
            raise UserError(f"--points: {self.study.name} has no pool of random points")
        if not 0 <= asked.start < asked.stop <= num:
            raise UserError(
                f"--points: the largest pool has points 0 to {num - 1}, "
                f"got {asked.start}:{asked.stop}"
            )
        return asked

    def _collect(self, storage: optuna.storages.BaseStorage) -> None:
        """Takes in the trials that W&B agents have run."""
        trials = agent_trials.found(self.folder.path, self.study, self.folder.arms)
        self.agent_trials = agent_trials.collect(storage, trials, self.study, self.folder.arms)

    def _opened(self) -> AbstractContextManager[Workers[Assignment, Outcome]]:
        device = self.protocol.device
        work = Work(
            execute=execute,
            prepare=partial(prepare, shared=device == "cuda", own=self.plugins),
            lost=lost,
            folder=self.folder.path,
            devices=where.devices(device),
            answers=self.study.search.pruner != "none",
            eager=self._eager,
            limit=None if self.until is None else Limit(self.until, late),
            detach=self.settings.detach,
        )
        return self.executor.opened(work)

    @property
    def _eager(self) -> bool:
        """Whether no run depends on the results of others."""
        return self.study.search.sampler == "random"

    def _pools(
        self,
        workers: Workers[Assignment, Outcome],
        storage: optuna.storages.BaseStorage,
        points: range,
    ) -> None:
        pools = Pools(self.protocol, self.ledger, self.tracker, storage)
        left = pools.left(pools.begin(points), self._time_is_up)
        self._work(workers, left, pools.epoch, pools.ended)
        if self.settings.points is not None or self.ledger.cut:
            pools.find()

    def _confirm(self, workers: Workers[Assignment, Outcome], points: range) -> None:
        """Reruns; of a part of the pool only those of its points."""
        runs = self.protocol.confirmations(self.ledger.results)
        here = [run for run in runs if run.point in points or self.settings.points is None]
        self._stage(workers, "confirm", here)
        for run in runs:
            if run.id not in self.ledger.results:
                self.ledger.has(run)

    def _stage(self, workers: Workers[Assignment, Outcome], name: str, runs: list[Run]) -> None:
        self.ledger.stage(name, runs)
        left = (run for run in runs if not self.ledger.has(run) and not self._time_is_up())
        self._work(workers, left)

    def _work(
        self,
        workers: Workers[Assignment, Outcome],
        runs: Iterable[Run],
        epoch: Callable[[Run, dict[str, float]], bool] = lambda run, row: False,
        ended: Callable[[Run, Outcome], object] = lambda run, outcome: None,
    ) -> None:
        """Has them trained. `epoch`: whether to stop one; `ended`: told of each that did."""

        def on_epoch(job: Assignment, row: dict[str, float]) -> bool:
            self.ledger.epoch(job.run, row)
            return epoch(job.run, row)

        def on_place(job: Assignment, host: str) -> None:
            self.ledger.placed(job.run, host)

        for job, outcome in workers.run(map(self._job, runs), on_epoch, on_place):
            if self.ledger.ended(job.run, outcome):
                ended(job.run, outcome)

    def _time_is_up(self) -> bool:
        """Asked before a run that would begin."""
        late = self.until is not None and time.time() >= self.until
        self.ledger.cut |= late
        return late

    def _job(self, run: Run) -> Assignment:
        if not self.executor.queues:  # else it has started when its first epoch is heard of
            self.ledger.started(run)
        return Assignment(
            run=run,
            folder=self.folder.run(run),
            cache=cache_folder(self.settings.root),
            checkpoint_every_s=self.settings.checkpoint_every_s,
            custom=self.custom,
            data_digest=self.data_digest,
            until=self.until,
            processes=self.executor.processes,
        )

    def _report(self, fits: Mapping[str, Fit]) -> Leaderboard:
        self.display.turn("wandb")
        self.tracker.settle()
        self.display.turn("report")
        own = [(run, self._located(run, outcome)) for run, outcome in self.ledger.results.values()]
        rankings = self.protocol.rankings(self.ledger.results)
        ranks = {
            label: {point: rank for rank, point in enumerate(ranking.points)}
            for label, ranking in rankings.items()
        }
        taken_in = results.rows(pairs(self.agent_trials), "sweep")
        values = {run.id: self._measured(run) for run, _ in own} if self.measures else {}
        rows = results.ordered([*results.rows(own, ranks=ranks, measured=values), *taken_in])
        leaderboard = results.write(self.folder, self._header(rows, fits), rows)
        files = [self.folder.records, self.folder.page, *self.folder.figures()]
        described = tracking.describe_study(self.study)
        self.tracker.summarize(described, tracking.content(leaderboard, files))
        self.display.turn("wandb")
        self.tracker.settle()
        return leaderboard

    def _measured(self, run: Run) -> Found:
        """Of what the study asks for."""
        found = measures.read(self.folder.run(run)) or Found()
        names = {quantity.name for quantity in self._quantities}
        values = {name: value for name, value in found.values.items() if name in names}
        details = {name: text for name, text in found.details.items() if name in names}
        return Found(values, details)

    @property
    def _quantities(self) -> list[Score]:
        found = measures.quantities(self.measures, self.study.task)
        return [each for own in found.values() for each in own]

    def _tracked(self, run: Run) -> tracking.Measured:
        """What W&B is told of its weights."""
        found = self._measured(run) if self.measures else Found()
        return tracking.measured(self._quantities, found.values, found.details)

    def _located(self, run: Run, outcome: Outcome) -> Outcome:
        """The outcome, with the place where W&B has the run."""
        return replace(outcome, wandb=outcome.wandb or self.tracker.path(run))

    def _header(self, rows: Sequence[Record], fits: Mapping[str, Fit]) -> dict[str, Any]:
        written = [self.folder.run(run) / RESULT_FILE for run, _ in self.ledger.results.values()]
        ended = all(outcome.outcome != "failed" for _, outcome in self.ledger.results.values())
        whole = self.settings.points is None and not self.ledger.cut
        concluded = whole and ended and self.protocol.is_complete(self.ledger.results)
        header = results.header(
            self.folder,
            rows,
            self.settings.command,
            written,
            fits=fits,
            extension=self.folder.concluded() if concluded else 0,
            measured=self._quantities,
        )
        left = {"left": self.display.left} if self.ledger.cut else {}
        notes = [*self.told.get("notes", ()), *idle(self.ledger.results.values())]
        told = {**self.told, "notes": notes} if notes else self.told
        return header | left | told | agent_trials.standing(self.agent_trials, self.folder.arms)
