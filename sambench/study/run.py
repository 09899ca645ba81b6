"""One study from file to leaderboard: run the pools, confirm the best points, record, report."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from rich.console import Console
from torch import nn

from sambench import config, executors, plugins, tracking
from sambench.analysis import Leaderboard
from sambench.config import Arm, Study
from sambench.errors import UserError, nearest
from sambench.executors import Assignment, Executor, Work, Workers, execute, lost, prepare
from sambench.records import Fit, Record
from sambench.study import agent_trials, pool, results, where
from sambench.study import storage as storages
from sambench.study.agent_trials import AgentTrial, pairs
from sambench.study.collection import collect
from sambench.study.display import Display, noisy_validation
from sambench.study.expected import expected_runs
from sambench.study.failures import Failures, Hopeless
from sambench.study.folder import StudyFolder
from sambench.study.foresight import shortcomings
from sambench.study.preflight import preflight
from sambench.study.protocol import Protocol
from sambench.study.result import Result
from sambench.study.setting import chosen
from sambench.study.tuner import Tuner
from sambench.tasks import images as datasets
from sambench.tasks.images import Data
from sambench.tracking import Tracker
from sambench.training import (
    ERROR_FILE,
    PAUSED,
    RESULT_FILE,
    Custom,
    Loss,
    Outcome,
    Run,
    checkpoint,
    device,
    finished_outcome,
    read_setting,
)


@dataclass(frozen=True)
class Settings:
    """How a study is executed. None of it changes what a run computes, the device apart."""

    device: str = "auto"
    on: str | Path | Executor | None = None
    """the executor: a name, a file with its settings, or one; None: processes of this machine"""
    workers: int | None = None
    """runs at a time; None: the executor's, on a CPU one per core, else one per device"""
    root: Path = Path("runs")
    wandb: str | None = None
    """"online", "offline", "disabled"; None: WANDB_MODE, else offline"""
    wandb_runs: str = "all"
    """which runs W&B gets, beside the study's own: "all", "confirm" (and the settings'), "none\""""
    checkpoint_every_s: float = 10.0
    storage: str | None = field(default=None, repr=False)
    """URL of a database for the trials; None: SAMBENCH_STORAGE, else the study's own journal"""
    imports: tuple[Path, ...] = ()
    """files that register variants; what Python has imported is known without"""
    points: range | None = None
    """the part of the pools to run here; None: all, and the conclusion"""
    max_hours: float | None = None
    """after so many no run begins, and those that run pause at the end of their epoch"""
    detach: bool = False
    """whether to leave once all runs are in a cluster's queue: Detached says where"""
    command: str = ""
    """how to repeat the study, for its page; default: the call from Python"""
    resume: str = ""
    """how to go on with it, with all that the page need not say; default: the command"""
    console: Console = field(default_factory=Console)
    says_where: bool = True
    """whether the console is told where the page is; the command line does so itself, last"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))
        object.__setattr__(self, "imports", tuple(map(Path, self.imports)))
        if self.max_hours is not None and not self.max_hours > 0:
            raise UserError(f"max_hours must be > 0, got {self.max_hours}")


def run_study(
    study: Study | Mapping[str, object] | str | Path = "digits",
    overrides: Sequence[str] = (),
    *,
    model: Callable[[int, int], nn.Module] | None = None,
    data: Data | None = None,
    loss: Loss | None = None,
    fork: str | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> Result:
    """Runs a study, or goes on with it, and returns what it found.

    study: a name, a path, the tables of a study file as a dict, or a `config.Study`
    overrides: such as "train.epochs=3"
    model: (channels, classes) -> module, instead of the study's timm model
    data: fixed train, val and test sets, instead of the study's dataset
    loss: (logits, labels) -> losses (batch,), instead of cross-entropy
        (what is yours belongs to the study: with others, it is another study)
    fork: the name of a new study, from the same file
    settings: how it is executed
    options: fields of the settings by keyword: device, workers, root, wandb, points, ...

    UserError for bad input, WorkFailed where all runs of an arm fail, Detached where the settings
    say so and runs are left in a queue. What of yours cannot be imported by name, as from a
    notebook, is run by this process alone.
    """
    chosen, custom = changed(settings or Settings(), options), Custom(model, data, loss)
    plugins.load(chosen.imports)
    words = [*overrides, *([] if fork is None else [f"name={json.dumps(fork)}"])]
    asked = resolve(study, words, chosen.root)
    options = {"fork": fork, "imports": [str(path) for path in chosen.imports]}
    command = chosen.command or _call(study, overrides, custom, options)
    return execute_study(asked, replace(chosen, command=command), custom)


def changed(settings: Settings, options: Mapping[str, Any]) -> Settings:
    """With these fields; UserError for a name that is none."""
    known = {field.name for field in fields(settings)}
    for name in options:
        if name not in known:
            raise UserError(f"unknown option {name!r}, {nearest(name, known)}")
    return replace(settings, **options)


def execute_study(study: Study, settings: Settings, custom: Custom) -> Result:
    """Runs it, or goes on with it."""
    with _quiet_optuna():
        execution = _Execution(study, settings, custom)
        leaderboard = execution.run()
        storage = storages.chosen(settings.storage)
        found = collect(execution.folder, settings.command, storage) or leaderboard
    if settings.says_where:
        settings.console.print(f"page: {execution.folder.web}", markup=False, soft_wrap=True)
    return Result(found, execution.folder.path)


def _call(
    study: Study | Mapping[str, object] | str | Path,
    overrides: Sequence[str],
    custom: Custom,
    options: Mapping[str, object],
) -> str:
    """The call that repeats the study, as far as words can."""
    named = repr(str(study)) if isinstance(study, str | Path) else "study"
    changes = [repr(list(overrides))] if overrides else []
    given = {"model": custom.model, "data": custom.data, "loss": custom.loss}
    own = [f"{name}={name}" for name, value in given.items() if value is not None]
    own += [f"{name}={value!r}" for name, value in options.items() if value]
    return f"sambench.run_study({', '.join([named, *changes, *own])})"


def resolve(
    study: Study | Mapping[str, object] | str | Path, overrides: Sequence[str], root: Path
) -> Study:
    """The study that a caller means."""
    if isinstance(study, Study):
        return config.parse(study.model_dump(mode="json"), study.name, overrides)
    if isinstance(study, Mapping):
        return config.parse(study, overrides=overrides)
    return config.load(study, overrides, root=root)


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Optuna logs every trial; our display does, too."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def cache_folder(root: Path) -> Path:
    """Where datasets are kept, shared by all studies."""
    return root / "data"


class _Execution:
    """One call of `run_study`."""

    def __init__(self, study: Study, settings: Settings, custom: Custom) -> None:
        self.study = study = custom.named(study)
        self.settings = settings
        self.custom = custom
        self.folder = StudyFolder(settings.root, study, custom.identity())
        on = None if settings.on is None else executors.chosen(settings.on, settings.workers)
        device = where.device(on, settings.device)
        self.protocol = Protocol(study, self.folder.arms, device)
        keys = {arm.key for arm in self.folder.arms.values()}
        self.plugins = plugins.known(keys)
        self.executor = where.executor(
            on, settings.workers, device, custom, self.plugins, settings.console
        )
        if settings.detach:
            where.check_detachable(self.executor, eager=self._eager)
        self.results: dict[str, tuple[Run, Outcome]] = {}
        self.started: set[str] = set()
        self.agent_trials: dict[str, AgentTrial] = {}
        self.data_digest: str | None = None
        hours = settings.max_hours
        self.until = None if hours is None else time.time() + 3600 * hours
        self.cut = False
        """whether time was up for some of its runs"""
        self.failures = Failures(self.folder.run)
        self.told: dict[str, object] = {}
        """what the preflight found for the page's readers"""
        stages = tracking.stages(settings.wandb_runs)
        self.tracker = Tracker(self.folder.path, tracking.mode(settings.wandb), stages)

    def run(self) -> Leaderboard:
        self.folder.check()
        points = self._points()
        with ExitStack() as stack:
            stack.enter_context(self.tracker)
            cache = cache_folder(self.settings.root)
            arms = list(self.folder.arms.values())
            if self.custom.training is None:  # else `compare` has seen what it brings
                here = device.resolve("auto") if self.executor.remote else self.protocol.device
                num = self.executor.processes
                found = preflight(self.study, here, cache, self.custom, arms, num)
                self.told = {"chance": found.chance, "notes": list(found.notes)}
            url = storages.chosen(self.settings.storage)
            storage = stack.enter_context(self.folder.opened(url, self._say))
            if not self.custom.brings_data:
                found = datasets.contents(self.study.task, cache)
                self.folder.check_data(found)
                self.data_digest = datasets.digest(found)
            workers = stack.enter_context(self._opened())
            self.display = stack.enter_context(self._display(points))
            if not self.custom.brings_data and (warning := noisy_validation(self.study)):
                self.display.say(warning)
            for shortcoming in shortcomings(self.study, arms):
                self.display.say(shortcoming)
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
        if not self.protocol.is_complete(self.results):
            return {}
        self._confirm(workers, points)
        if self.settings.points is not None or self.cut:
            return {}
        fits = self._fit()
        settings = {label: fit.setting for label, fit in fits.items()}
        self._stage(workers, "setting", self.protocol.settings(settings))
        return {} if self.cut else fits

    def _left(self) -> Iterator[str]:
        """What did not come to its end."""
        yield from self.failures.told()
        if self.cut:
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
        arms = self.folder.arms
        sizes = {label: self.protocol.size(arm) for label, arm in arms.items()}
        tuners = {label: Tuner(self.study, arms[label], storage) for label in arms if sizes[label]}
        here = [(i, label) for i in points for label in tuners if i < sizes[label]]
        drawn = [self._pool_run(arms[label], point) for point, label in here]

        def jobs() -> Iterator[Assignment]:
            for run in drawn:
                if self._time_is_up():
                    return
                tuner = tuners[run.label]
                if not self._is_done(tuner, run):
                    parameters = tuner.ask(run.point)
                    yield self._job(self.protocol.pool_run(tuner.arm, run.point, parameters))

        def on_epoch(job: Assignment, row: dict[str, float]) -> bool:
            self._epoch(job.run, row)
            return tuners[job.run.label].report(job.run.point, row, job.run.epochs)

        self._begin("pool", drawn)
        for job, outcome in workers.run(jobs(), on_epoch):
            if self._keep(job.run, outcome):
                address = self.tracker.address(job.run)
                tuners[job.run.label].tell(job.run.point, outcome, address)
        self._find(label for label in tuners if self.settings.points is not None or self.cut)

    def _is_done(self, tuner: Tuner, run: Run) -> bool:
        """Whether a point's run ended before: its outcome is kept, and its trial told of it.

        Where a sampler adapts, `run` is only named as the point's is.
        """
        point = run.point
        tried = tuner.knows(point)
        if tried is None:
            tried = self._tried(tuner.arm, point)
        if tried is None:
            return False
        if not self._eager:
            run = self.protocol.pool_run(tuner.arm, point, tried)
        if not self._finished(run):
            return False
        tuner.add(point, tried, self.results[run.id][1], self.tracker.address(run))
        return True

    def _tried(self, arm: Arm, point: int) -> dict[str, Any] | None:
        """What a sampler chose for a point, where only the run's result tells."""
        setting = read_setting(self.folder.run(self._pool_run(arm, point)))
        if setting is None:
            return None
        values = {**setting["hyperparameters"], "lr": setting["lr"]}
        return (
            {name: values[name] for name in arm.space}
            if values.keys() >= arm.space.keys()
            else None
        )

    def _pool_run(self, arm: Arm, point: int) -> Run:
        """At the point's position; where a sampler adapts, only its name is that of the run."""
        return self.protocol.pool_run(arm, point, pool.parameters(self.study, arm, point))

    def _begin(self, stage: str, runs: Sequence[Run]) -> None:
        there = self.folder.begun()
        held = {run.id for run in runs if run.id in there and self._has_result(run)}
        self.failures.stage(runs, held)
        self.display.stage(stage, runs, held)

    def _has_result(self, run: Run) -> bool:
        """Whether an earlier process has finished it; one that failed is tried again."""
        folder = self.folder.run(run)
        return (folder / RESULT_FILE).exists() and not (folder / ERROR_FILE).exists()

    def _find(self, labels: Iterable[str]) -> None:
        """Points of a pool that other processes ran, or that came by `merge`."""
        for label in labels:
            arm = self.folder.arms[label]
            for point in range(self.protocol.size(arm)):
                run = self._pool_run(arm, point)
                if run.id not in self.results:
                    self._finished(run)

    def _confirm(self, workers: Workers[Assignment, Outcome], points: range) -> None:
        """Reruns; of a part of the pool only those of its points."""
        runs = self.protocol.confirmations(self.results)
        here = [run for run in runs if run.point in points or self.settings.points is None]
        self._stage(workers, "confirm", here)
        for run in runs:
            if run.id not in self.results:
                self._finished(run)

    def _fit(self) -> dict[str, Fit]:
        """The setting to use, of every arm that searched something."""
        found = {}
        for label, arm in self.folder.arms.items():
            scores = [
                (_searched(arm, run), outcome.val_accuracy)
                for run, outcome in self.results.values()
                if run.label == label
                and run.stage in ("pool", "confirm")
                and outcome.outcome in ("complete", "diverged")
            ]
            if (fit := chosen(arm, scores)) is not None:
                found[label] = fit
        return found

    def _stage(self, workers: Workers[Assignment, Outcome], name: str, runs: list[Run]) -> None:
        def on_epoch(job: Assignment, row: dict[str, float]) -> bool:
            self._epoch(job.run, row)
            return False

        self._begin(name, runs)
        jobs = (
            self._job(run) for run in runs if not self._finished(run) and not self._time_is_up()
        )
        for job, outcome in workers.run(jobs, on_epoch):
            self._keep(job.run, outcome)

    def _time_is_up(self) -> bool:
        """Asked before a run that would begin."""
        late = self.until is not None and time.time() >= self.until
        self.cut |= late
        return late

    def _start(self, run: Run) -> None:
        if run.id not in self.started:
            self.started.add(run.id)
            self.tracker.start(run)
            self.display.started(run, "" if self.executor.remote else None)

    def _epoch(self, run: Run, row: dict[str, float]) -> None:
        self.folder.check_kept()
        self._start(run)
        self.display.epoch(run, row)
        self.tracker.log(run, row)

    def _job(self, run: Run) -> Assignment:
        if not self.executor.queues:  # else it has started when its first epoch is heard of
            self._start(run)
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

    def _finished(self, run: Run) -> bool:
        """Whether an earlier process finished the run; keeps its outcome then."""
        outcome = finished_outcome(run, self.folder.run(run))
        if outcome is None or outcome.outcome == "failed":  # by the machine: it is repeated
            return False
        if self.data_digest and outcome.data not in ("", self.data_digest):
            raise UserError(
                f"{self.folder.run(run)}: its run was trained on other data than this machine's "
                f"{self.study.task.dataset}; undo that, or start a new study with --fork NAME"
            )
        checkpoint.remove(self.folder.run(run))  # a kill may have come between the two files
        self._keep(run, outcome, resumed=True)
        return True

    def _keep(self, run: Run, outcome: Outcome, *, resumed: bool = False) -> bool:
        """Takes a result in; False if the run pauses and has none."""
        self.folder.check_kept()
        if outcome.outcome == PAUSED:
            self.cut = True
            self.display.paused(run)
            return False
        if not resumed:
            self._start(run)
        self.results[run.id] = (run, outcome)
        self.tracker.finish(run, outcome)
        if resumed:
            self.display.resumed(run, outcome)
        else:
            self.display.ended(run, outcome)
        self.failures.saw(run, outcome)
        return True

    def _report(self, fits: Mapping[str, Fit]) -> Leaderboard:
        self.tracker.settle()
        own = [(run, self._located(run, outcome)) for run, outcome in self.results.values()]
        rankings = self.protocol.rankings(self.results)
        ranks = {
            label: {point: rank for rank, point in enumerate(ranking.points)}
            for label, ranking in rankings.items()
        }
        taken_in = results.rows(pairs(self.agent_trials), "sweep")
        rows = results.ordered([*results.rows(own, ranks=ranks), *taken_in])
        leaderboard = results.write(self.folder, self._header(rows, fits), rows)
        files = [self.folder.records, self.folder.page, *self.folder.figures()]
        described = tracking.describe_study(self.study)
        self.tracker.summarize(described, tracking.content(leaderboard, files))
        return leaderboard

    def _located(self, run: Run, outcome: Outcome) -> Outcome:
        """The outcome, with the place where W&B has the run."""
        return replace(outcome, wandb=outcome.wandb or self.tracker.path(run))

    def _header(self, rows: Sequence[Record], fits: Mapping[str, Fit]) -> dict[str, Any]:
        written = [self.folder.run(run) / RESULT_FILE for run, _ in self.results.values()]
        ended = all(outcome.outcome != "failed" for _, outcome in self.results.values())
        whole = self.settings.points is None and not self.cut
        concluded = whole and ended and self.protocol.is_complete(self.results)
        header = results.header(
            self.folder,
            rows,
            self.settings.command,
            written,
            fits=fits,
            extension=self.folder.concluded() if concluded else 0,
        )
        left = {"left": self.display.left} if self.cut else {}
        return (
            header | left | self.told | agent_trials.standing(self.agent_trials, self.folder.arms)
        )


def _searched(arm: Arm, run: Run) -> dict[str, Any]:
    """What a run has of the searched values."""
    values = {**run.hyperparameters, "lr": run.lr}
    return {name: values[name] for name in arm.space}
