"""Times measures beside the runs whose weights they measure."""

import os
import shlex
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from sambench import seeds
from sambench.bench.prices import ConfirmRun, Price, Prices
from sambench.config import BASELINE, Measured, Study
from sambench.errors import UserError
from sambench.measures import Found, Measure, after, chosen, measures
from sambench.tasks.images import load
from sambench.training import Run, device, provenance, train
from variants.core.registry import name_of
from variants.sam import SAM

RATE = 0.01


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
    where, host = device.resolve(asked.on), _host()
    with tempfile.TemporaryDirectory(prefix="sambench-") as folder:
        done = list(_runs(study, where, Path(folder), asked))
    one = done[0][0]
    data = load(study.task, one.seeds.streams, asked.cache)
    most = wanted.max_batches * wanted.batch_size
    images = {"train": min(most, len(data.train)), "test": min(most, len(data.test))}
    data.close()
    return Prices(
        study=study.name,
        model=study.task.model,
        train_images=images["train"],
        test_images=images["test"],
        batch_size=study.train.batch_size,
        runs=tuple(run for _, run, _ in done),
        prices=tuple(
            _price(name, measure, [found for *_, found in done], images, study.train.batch_size)
            for name, measure in chosen(wanted).items()
        ),
        hardware=device.describe(where),
        command=shlex.join(["python", "-m", "sambench", "bench", *asked.command]),
        commit=provenance.commit(),
        date=provenance.date(None),
        versions={k: v for k, v in provenance.versions().items() if k in ("python", "torch")},
        host={**host, "load after": round(os.getloadavg()[0], 2)},
    )


def ready() -> tuple[str, ...]:
    """The measures that need no setting."""
    return tuple(name for name in measures.names() if measures.get(name).is_ready())


def _runs(
    study: Study, where: str, folder: Path, asked: Asked
) -> Iterator[tuple[Run, ConfirmRun, Found]]:
    for key in (BASELINE, name_of(SAM())):
        run = _run(study, key, where)
        asked.progress(f"a run of {key}")
        outcome = train(run, folder / key, lambda row: False, cache=asked.cache)
        if outcome.outcome != "complete":
            raise UserError(f"a run of {key} {outcome.outcome}: {outcome.reason}")
        told = ConfirmRun(key, round(outcome.wall_s, 3), outcome.gradient_evaluations)
        asked.progress(f"measures of {key}")
        assert study.measure is not None
        yield run, told, after(run, folder / key, study.measure, asked.cache)


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


def _price(
    name: str, measure: Measure, found: list[Found], images: dict[str, int], batch_size: int
) -> Price:
    return Price(
        measure=name,
        seconds=tuple(own.seconds[name] for own in found),
        gradient_evaluations=round(measure.evaluations * images[measure.subset] / batch_size, 1),
        failed=next((own.failed[name] for own in found if name in own.failed), ""),
    )


def _host() -> dict[str, object]:
    return {
        **provenance.hardware(),
        "threads": torch.get_num_threads(),
        "load before": round(os.getloadavg()[0], 2),
    }
