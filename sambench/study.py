"""One study from file to leaderboard: tune, rerun the finalists, confirm, record, report."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from rich.console import Console
from torch import nn

import variants
from sambench import config, device, provenance, records, tracking, train
from sambench.config import Arm, Study
from sambench.data import Data
from sambench.engine.eager import Loss
from sambench.errors import UserError
from sambench.files import write_atomically
from sambench.preflight import preflight
from sambench.progress import Display
from sambench.protocol import Protocol, cost, expected_cost
from sambench.records import STAGES, Record
from sambench.report import page
from sambench.report.analysis import Analysis, analyse
from sambench.search import Tuner
from sambench.storage import StudyFolder
from sambench.tracking import EQUAL_COMPUTE, Tracker
from sambench.train import Outcome, Parts, Run
from sambench.worker import Assignment, execute, prepare
from sambench.workers import Executor, Inline, Job, Processes


@dataclass(frozen=True)
class Settings:
    """How a study is executed. None of it changes what a run computes, the device apart."""

    device: str = "auto"
    workers: int = 1
    root: Path = Path("runs")
    wandb: str | None = None
    """"online", "offline", "disabled"; None: WANDB_MODE, else offline"""
    checkpoint_every_s: float = 10.0
    command: str = "sambench.run_study(...)"
    """how to repeat the study, for its page"""
    console: Console = field(default_factory=Console)


def run_study(
    study: Study | Mapping[str, Any] | str | Path = "digits",
    overrides: Sequence[str] = (),
    *,
    model: Callable[[int, int], nn.Module] | None = None,
    data: Data | None = None,
    loss: Loss | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> Analysis:
    """Runs a study, or goes on with it, and returns its leaderboard.

    study: a name, a path, the tables of a study file as a dict, or a `config.Study`
    overrides: such as "train.epochs=3"
    model: (channels, classes) -> module, instead of the study's timm model
    data: fixed train, val and test sets, instead of the study's dataset
    loss: (logits, labels) -> losses (batch,), instead of cross-entropy
        (own parts belong to the study: with others, it is another study)
    settings, options: a `Settings`, or its fields by keyword: device, workers, root, wandb, ...

    UserError for bad input. Own parts must be importable by name if workers > 1.
    """
    chosen = settings or Settings(**{**options, "root": Path(options.get("root", "runs"))})
    with _quiet_optuna():
        return _Execution(resolve(study, overrides), chosen, Parts(model, data, loss)).run()


def resolve(study: Study | Mapping[str, Any] | str | Path, overrides: Sequence[str] = ()) -> Study:
    """The study that a caller means."""
    if isinstance(study, Study):
        return config.parse(study.model_dump(mode="json"), study.name, overrides)
    if isinstance(study, Mapping):
        return config.parse(study, overrides=overrides)
    return config.load(study, overrides)


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

    def __init__(self, study: Study, settings: Settings, parts: Parts) -> None:
        if settings.workers < 1:
            raise UserError(f"--workers must be >= 1, got {settings.workers}")
        self.study = study
        self.settings = settings
        self.parts = parts
        self.folder = StudyFolder(settings.root, study, parts.identity())
        self.arms = study.arms()
        self.protocol = Protocol(study, self.arms, device.resolve(settings.device))
        self.results: dict[str, tuple[Run, Outcome]] = {}
        tuned = {arm.label for arm in self.arms if EQUAL_COMPUTE in arm.space}
        self.tracker = Tracker(self.folder.path, tracking.mode(settings.wandb), tuned)

    def run(self) -> Analysis:
        self.folder.check()
        with ExitStack() as stack:
            stack.enter_context(self.tracker)
            cache = cache_folder(self.settings.root)
            preflight(self.study, self.protocol.device, cache, self.parts)
            storage = stack.enter_context(self.folder.opened())
            executor = stack.enter_context(self._executor())
            total = expected_cost(self.study, self.arms)
            self.display = stack.enter_context(Display(self.settings.console, total))
            self._tune(executor, storage)
            self._stage(executor, "finalists", self.protocol.finalists(self.results))
            self._stage(executor, "confirm", self.protocol.confirmations(self.results))
            return self._report()

    def _executor(self) -> AbstractContextManager[Executor]:
        if self.settings.workers == 1:
            return nullcontext(Inline(execute))
        setup = partial(prepare, workers=self.settings.workers, device=self.protocol.device)
        return Processes(self.settings.workers, execute, setup)

    def _tune(self, executor: Executor, storage: optuna.storages.BaseStorage) -> None:
        tuners = {arm.label: Tuner(self.study, arm, storage) for arm in self.arms}
        trials: dict[str, optuna.Trial] = {}

        def jobs() -> Iterator[Job]:
            for number in range(self.study.search.trials):
                for arm in self.arms:
                    trial, parameters = tuners[arm.label].ask(number)
                    run = self.protocol.search_run(arm, number, parameters)
                    trials[run.id] = trial
                    if self._finished(run):
                        tuners[arm.label].tell(number, self.results[run.id][1])
                    else:
                        yield self._job(run)

        def on_epoch(job: Job, row: dict[str, float]) -> bool:
            self._epoch(job.key, row)
            tuner = tuners[job.key.label]
            return tuner.report(trials[job.key.id], row, job.key.epochs)

        self.display.stage("tune", self.study.search.trials * len(self.arms))
        for job, outcome in executor.run(jobs(), on_epoch):
            self._keep(job.key, outcome)
            tuners[job.key.label].tell(job.key.trial, outcome)

    def _stage(self, executor: Executor, name: str, runs: list[Run]) -> None:
        def on_epoch(job: Job, row: dict[str, float]) -> bool:
            self._epoch(job.key, row)
            return False

        self.display.stage(name, len(runs))
        jobs = (self._job(run) for run in runs if not self._finished(run))
        for job, outcome in executor.run(jobs, on_epoch):
            self._keep(job.key, outcome)

    def _epoch(self, run: Run, row: dict[str, float]) -> None:
        self.display.epoch(run, row)
        self.tracker.log(run, row)

    def _job(self, run: Run) -> Job:
        self.tracker.start(run)
        assignment = Assignment(
            run=run,
            folder=self.folder.run(run),
            cache=cache_folder(self.settings.root),
            checkpoint_every_s=self.settings.checkpoint_every_s,
            parts=self.parts,
        )
        return Job(run, assignment)

    def _finished(self, run: Run) -> bool:
        """Whether an earlier process finished the run; keeps its outcome then."""
        outcome = train.finished(run, self.folder.run(run))
        if outcome is None:
            return False
        self._keep(run, outcome, resumed=True)
        return True

    def _keep(self, run: Run, outcome: Outcome, *, resumed: bool = False) -> None:
        self.results[run.id] = (run, outcome)
        self.tracker.finish(run, outcome)
        self.display.finished(run, outcome, cost(run), resumed=resumed)

    def _report(self) -> Analysis:
        self.tracker.settle()
        found = [(run, self._located(run, outcome)) for run, outcome in self.results.values()]
        rows = sorted((_record(run, outcome) for run, outcome in found), key=_order)
        records.write(self.folder.records, self._header(rows), rows)
        analysis = analyse(records.read(self.folder.records))
        write_atomically(self.folder.page, page.render(analysis))
        files = [self.folder.records, self.folder.page, *self.folder.figures()]
        described = tracking.describe_study(self.study)
        self.tracker.summarize(described, tracking.content(analysis, files))
        return analysis

    def _located(self, run: Run, outcome: Outcome) -> Outcome:
        """The outcome, with the place where W&B has the run."""
        return replace(outcome, wandb=outcome.wandb or self.tracker.path(run))

    def _header(self, rows: Sequence[Record]) -> dict[str, Any]:
        results = [self.folder.run(run) / train.RESULT for run, _ in self.results.values()]
        newest = max(results, key=lambda path: path.stat().st_mtime, default=None)
        return {
            "study": self.study.name,
            "spec": self.study.model_dump(mode="json"),
            "spaces": {
                arm.label: {
                    name: space.model_dump(mode="json") for name, space in arm.space.items()
                }
                for arm in self.arms
            },
            "defaults": {arm.label: _defaults(arm) for arm in self.arms},
            "command": self.settings.command,
            "commit": provenance.commit(),
            "date": provenance.date(newest),
            "versions": provenance.versions(),
            "hardware": provenance.hardware(),
            "test_runs": sum(bool(row.test_correct) for row in rows),
        }


def _defaults(arm: Arm) -> dict[str, float]:
    """The papers' values of the searched numbers."""
    known = variants.info(arm.key).hyperparameters
    found = {name: known[name].default for name in arm.space if name in known}
    return {name: value for name, value in found.items() if isinstance(value, int | float)}


def _record(run: Run, outcome: Outcome) -> Record:
    return Record(
        study=run.study.name,
        variant=run.label,
        key=run.key,
        stage=run.stage,
        trial=run.trial,
        **run.seeds.columns(),
        lr=run.lr,
        rho=run.rho,
        hyperparameters=json.dumps(run.hyperparameters),
        epochs=run.epochs,
        epochs_done=outcome.epochs_done,
        outcome=outcome.outcome,
        reason=outcome.reason,
        val_accuracy=outcome.val_accuracy,
        val_loss=outcome.val_loss,
        test_accuracy=outcome.test_accuracy,
        test_loss=outcome.test_loss,
        train_loss=outcome.train_loss,
        test_correct=records.pack(np.array(outcome.test_correct)) if outcome.test_correct else "",
        num_test=len(outcome.test_correct),
        gradient_evaluations=outcome.gradient_evaluations,
        steps=outcome.steps,
        step_time_s=outcome.step_time_s,
        wall_s=outcome.wall_s,
        device=outcome.device,
        threads=outcome.threads,
        torch=outcome.torch,
        source="study",
        curve=records.curve_text(row["val_accuracy"] for row in outcome.history),
        peak_memory=outcome.peak_memory,
        wandb=outcome.wandb,
    )


def _order(record: Record) -> tuple[Any, ...]:
    return STAGES.index(record.stage), record.variant, record.trial, record.seed
