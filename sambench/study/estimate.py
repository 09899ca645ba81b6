"""What a study will cost, before it runs."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from sambench import tracking
from sambench.config import Study
from sambench.executors import threads_each
from sambench.study.preflight import preflight, probe
from sambench.study.protocol import expected_passes, runs_per_arm
from sambench.study.run import cache_folder
from sambench.tasks import images
from sambench.training import NO_PARTS, device

PROBE_STEPS = 5  # timed after as many that warm up


@dataclass(frozen=True)
class Plan:
    """Counts of a whole study, and how long it should take here."""

    study: str
    variants: list[str]
    search_trials: int
    finalist_runs: int
    confirm_runs: int
    gradient_evaluations: float
    """at the declared costs; the baseline's longer and shorter schedules on average"""
    seconds_per_evaluation: float
    """measured here, one worker's threads"""
    expected_s: float
    workers: int
    wandb_runs: int
    wandb_mode: str

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def plan(study: Study, *, on: str, workers: int, root: Path, wandb: str | None) -> Plan:
    """Counts runs and evaluations, and times a few training steps of the baseline."""
    arms = study.arms()
    resolved = device.resolve(on)
    dataset = preflight(study, resolved, cache_folder(root), NO_PARTS)
    runs = {stage: num * len(arms) for stage, num in runs_per_arm(study).items()}
    total = sum(runs.values())
    steps = images.num_batches(len(dataset.train), study.train.batch_size) * study.train.epochs
    evaluations = sum(map(expected_passes, arms)) * steps * total / len(arms)
    before = torch.get_num_threads()
    torch.set_num_threads(threads_each(workers))
    seconds = _seconds_per_evaluation(study, dataset, resolved)
    torch.set_num_threads(before)
    mode = tracking.mode(wandb)
    return Plan(
        study=study.name,
        variants=[arm.label for arm in arms],
        search_trials=runs["search"],
        finalist_runs=runs["finalist"],
        confirm_runs=runs["confirm"],
        gradient_evaluations=evaluations,
        seconds_per_evaluation=seconds,
        expected_s=evaluations * seconds / workers,
        workers=workers,
        wandb_runs=0 if mode == "disabled" else total,
        wandb_mode=mode,
    )


def _seconds_per_evaluation(study: Study, dataset: images.Data, on: str) -> float:
    """Median time of a training step of the baseline."""
    engine = probe(study, dataset, on, NO_PARTS)
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


def _batches(study: Study, dataset: images.Data) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from images.epoch_batches(
            dataset.train,
            batch_size=study.train.batch_size,
            seed=0,
            epoch=0,
            augment=study.train.augment,
            mean=dataset.mean,
            std=dataset.std,
        )
