"""Times measures beside the runs whose weights they measure."""

import shlex
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from sambench import seeds
from sambench.bench.benchmark import RHO
from sambench.bench.prices import ConfirmRun, Price, Prices
from sambench.config import BASELINE, Measured, Study
from sambench.errors import UserError
from sambench.measures import Extent, chosen, course, measure_all, ready, subject_of
from sambench.training import Run, device, provenance, train, weights
from variants.core.registry import name_of
from variants.sam import SAM

RATE = 0.01
Clock = Callable[[], float]


@dataclass(frozen=True)
class Asked:
    """What to time: the measures that a study asks for, else all that need no setting."""

    study: Study
    cache: Path
    on: str = "auto"
    command: tuple[str, ...] = ()
    """words of the command line, after `bench`"""
    progress: Callable[[str], object] = lambda stage: None


def price(asked: Asked) -> Prices:
    """Trains and measures one run of the baseline, and one of SAM. UserError if either fails."""
    wanted = asked.study.measure or Measured(names=ready())
    study = asked.study.model_copy(update={"measure": wanted})
    on, host = device.resolve(asked.on), _host()
    clock: Clock = time.process_time if on == "cpu" else time.perf_counter
    taken = [_taken(study, key, on, clock, asked) for key in (BASELINE, name_of(SAM(rho=RHO)))]
    items = taken[0].items
    return Prices(
        study=study.name,
        model=study.task.model,
        item=study.task.item,
        train_items=items["train"],
        test_items=items["test"],
        batch_size=study.train.batch_size,
        clock="of the processor" if on == "cpu" else "by the clock",
        runs=tuple(one.run for one in taken),
        prices=tuple(
            Price(
                measure=name,
                seconds=tuple(one.seconds[name] for one in taken),
                gradient_evaluations=round(
                    measure.evaluations * items[measure.subset] / study.train.batch_size, 1
                ),
                failed=next((one.failed[name] for one in taken if name in one.failed), ""),
            )
            for name, measure in chosen(wanted).items()
        ),
        hardware=device.describe(on),
        command=shlex.join(["python", "-m", "sambench", "bench", *asked.command]),
        commit=provenance.commit(),
        date=provenance.date(None),
        versions={k: v for k, v in provenance.versions().items() if k in ("python", "torch")},
        host={**host, "load after": provenance.load()},
    )


@dataclass(frozen=True)
class _Taken:
    """Of one run."""

    run: ConfirmRun
    items: dict[str, int]
    """subset -> how many were measured"""
    seconds: dict[str, float]
    failed: dict[str, str]


def _taken(study: Study, key: str, on: str, clock: Clock, asked: Asked) -> _Taken:
    run, wanted = _run(study, key, on), study.measure
    assert wanted is not None
    asked.progress(f"a run of {key}")
    with tempfile.TemporaryDirectory(prefix="sambench-") as name:
        folder, start = Path(name), clock()
        outcome = train(run, folder, lambda row: False, cache=asked.cache, follow=course)
        seconds = clock() - start
        if outcome.outcome != "complete":
            raise UserError(f"a run of {key} is {outcome.outcome}: {outcome.reason}")
        kept = weights.read(folder / weights.NAME)
    spent, failed = {}, {}
    extent = Extent(wanted.max_batches, wanted.batch_size)
    with subject_of(run, kept, extent, asked.cache, history=outcome.history) as subject:
        items = {subset: subject.num_items(subset) for subset in ("train", "test")}
        for name, measure in chosen(wanted).items():
            asked.progress(f"{name} of {key}")
            start = clock()
            failed |= measure_all(subject, {name: measure}).failed
            spent[name] = round(clock() - start, 3)
    told = ConfirmRun(key, round(seconds, 3), outcome.gradient_evaluations)
    return _Taken(told, items, spent, failed)


def _run(study: Study, key: str, where: str) -> Run:
    """Both with the same streams, at one learning rate: no number here depends on it."""
    return Run(
        study=study,
        label=key,
        key=key,
        stage="confirm",
        point=0,
        rerun=0,
        seeds=seeds.derive(study.seed, "confirm", 0, 0),
        lr=RATE,
        hyperparameters={},
        epochs=study.train.epochs,
        device=where,
    )


def _host() -> dict[str, object]:
    return {
        **provenance.hardware(),
        "threads": torch.get_num_threads(),
        "load before": provenance.load(),
    }
