"""What a study will cost, before it runs."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch

from sambench import records, tracking
from sambench.analysis import analyse
from sambench.config import Study
from sambench.executors import threads_each
from sambench.stats import ALPHA, claims, student
from sambench.study.expected import expected_cost, expected_runs
from sambench.study.folder import StudyFolder
from sambench.study.foresight import shortcomings
from sambench.study.options import cache_folder
from sambench.study.preflight import preflight, probe, probed
from sambench.study.price import seconds_per_run
from sambench.tasks import Batch, Data
from sambench.training import Custom, briefed, device

SEPARATED = (0.5, 1.0, 2.0)  # margins
PROBE_STEPS = 5  # timed after as many that warm up


@dataclass(frozen=True)
class Plan:
    """Counts of a whole study, and how long it should take here."""

    study: str
    variants: list[str]
    trials: dict[str, float]
    """that the budget affords each arm, at the declared costs"""
    pool_runs: int
    confirm_runs: int
    """a little more or fewer, as gradient evaluations are counted"""
    setting_runs: int
    gradient_evaluations: float
    """at the declared costs"""
    seconds_per_evaluation: float
    """measured here, one worker's threads"""
    expected_s: float
    """of training"""
    measured_runs: int
    """whose weights are measured; 0 where no measure is asked for"""
    measure_s: float
    """of all measures of one run: of those that are asked for, else of all that need no setting"""
    measures_known: int
    """measured runs that told so; with none, by the evaluations that measures declare"""
    workers: int
    searches: int
    shortcomings: list[str]
    """what it cannot answer at its size"""
    separates: dict[str, int | None]
    """difference to the best baseline, in words -> searches that would separate it from 0, by the
    luck of the runs so far; empty before there are any, None where too many are needed"""
    wandb_runs: int
    wandb_mode: str

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def plan(
    study: Study,
    *,
    on: str,
    workers: int,
    root: Path,
    wandb: str | None,
    wandb_runs: str = "all",
) -> Plan:
    """Counts runs and evaluations, and times a few training steps of the baseline."""
    folder = StudyFolder(root, study)
    folder.check()
    arms = list(folder.arms.values())
    resolved = device.resolve(on)
    checked = preflight(study, resolved, cache_folder(root), Custom(), arms)
    runs = {stage: sum(own.values()) for stage, own in expected_runs(study, arms).items()}
    evaluations = expected_cost(study, arms) * checked.steps_per_epoch
    before = torch.get_num_threads()
    torch.set_num_threads(threads_each(workers))
    if checked.data is None:
        seconds = _seconds_of_its_own(study, resolved)
    else:
        seconds = _seconds_per_evaluation(study, checked.data, resolved)
    torch.set_num_threads(before)
    price, known = seconds_per_run(study, folder, checked.data, seconds)
    mode, stages = tracking.mode(wandb), tracking.stages(wandb_runs)
    cost = {arm.label: arm.cost(study.train.epochs) for arm in arms}
    return Plan(
        study=study.name,
        variants=[arm.label for arm in arms],
        trials={label: float(study.search.budget / own) for label, own in cost.items()},
        pool_runs=runs["pool"],
        confirm_runs=runs["confirm"],
        setting_runs=runs["setting"],
        gradient_evaluations=evaluations,
        seconds_per_evaluation=seconds,
        expected_s=evaluations * seconds / workers,
        measured_runs=0 if study.measure is None else runs["confirm"] + runs["setting"],
        measure_s=price,
        measures_known=known,
        workers=workers,
        searches=study.search.searches,
        shortcomings=list(shortcomings(study, arms)),
        separates=_separates(folder),
        wandb_runs=0 if mode == "disabled" else sum(runs[stage] for stage in stages),
        wandb_mode=mode,
    )


def _separates(folder: StudyFolder) -> dict[str, int | None]:
    """By the median error of a difference from the best baseline, as the study has it so far."""
    if not folder.records.exists():
        return {}
    found = analyse(records.read(folder.records))
    freedom = 2 * found.size.searches - 1
    halves = [
        (own.difference.high - own.difference.low) / 2
        for row in found.rows
        for own in row.against
        if own.difference.high is not None and own.difference.low is not None
    ]
    if not halves:
        return {}
    error = statistics.median(halves) / student.exceeded(ALPHA / 2, freedom)
    score, sizes = found.score, [part * found.size.margin for part in SEPARATED]
    return {
        score.amount(f"{size:g}"): claims.searches_to_separate(
            error, found.size.searches, size / score.scale
        )
        for size in sizes
    }


def _seconds_per_evaluation(study: Study, dataset: Data, on: str) -> float:
    """Median time of a training step of the baseline."""
    engine = probe(study, dataset, on, Custom())
    times: list[float] = []
    for x, y in _batches(study, engine.data):
        start = time.perf_counter()
        losses = engine.step(x, y)
        float(losses.sum())  # waits for the device
        times.append(time.perf_counter() - start)
        if len(times) == 2 * PROBE_STEPS:
            break
    measured = sorted(times[PROBE_STEPS:] or times)
    return measured[len(measured) // 2]


def _seconds_of_its_own(study: Study, on: str) -> float:
    """The same where a task trains itself: an epoch of the baseline with its evaluation, all of
    which the passes of a variant are taken to multiply."""
    run = probed(study, on, study.train.epochs)
    trainer = briefed.trainer(run, partial(briefed.optimizer, run))
    start = time.perf_counter()
    trainer.train_epoch(0)
    trainer.score("val")
    seconds = time.perf_counter() - start
    trainer.close()
    return seconds / trainer.steps_per_epoch


def _batches(study: Study, dataset: Data) -> Iterator[Batch]:
    while True:
        yield from dataset.epoch_batches(study.train, seed=0, epoch=0)
