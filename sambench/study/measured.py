"""Measures of weights that runs kept."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from sambench import config, seeds
from sambench.config import BASELINE, Measured, Task
from sambench.errors import UserError
from sambench.measures import Extent, Found, after, chosen, measure_all, subject_of
from sambench.training import NO_POINT, Run, finished_outcome, weights


class Taken(NamedTuple):
    """What was measured of a run, and what it was trained on."""

    found: Found
    task: Task


def of_file(
    path: Path, asked: Measured, cache: Path, device: str, study: str | None, root: Path
) -> Taken:
    """UserError for what is no file of weights, or does not say of which task."""
    kept = weights.read(path)
    if study is not None:
        run = _stranger(study, root)
    elif kept.run is None:
        raise UserError(f"{path}: does not say whose weights it holds; name their task: --study")
    else:
        run = kept.run
    extent = Extent(asked.max_batches, asked.batch_size)
    there = finished_outcome(run, path.parent) if kept.run is run else None
    history = () if there is None else there.history
    on = replace(run, device=device)
    with subject_of(on, kept, extent, cache, history=history) as subject:
        return Taken(measure_all(subject, chosen(asked)), run.study.task)


def of_study(
    folder: Path, asked: Measured, cache: Path, device: str, say: Callable[[str], object]
) -> dict[str, Taken]:
    """Of every run of a study's folder that kept its weights; each is left there as it is found."""
    files = sorted(folder.glob(f"runs/*/{weights.NAME}"))
    if not folder.is_dir():
        raise UserError(f"no folder of a study {folder}; --root names another place")
    if not files:
        raise UserError(
            f"no run of {folder} kept its weights; set confirm.keep_weights = true before it runs"
        )
    found = {}
    for i, path in enumerate(files, 1):
        run = weights.read(path).run
        if run is None:
            raise UserError(f"{path}: does not say whose weights it holds")
        say(f"{i} of {len(files)}: {run}")
        own = after(replace(run, device=device), path.parent, asked, cache)
        found[str(run)] = Taken(own, run.study.task)
    return found


def _stranger(study: str, root: Path) -> Run:
    """A run of the study's task, for weights that came from elsewhere."""
    found = config.load(study, (), root=root)
    return Run(
        study=found,
        label="",
        key=BASELINE,
        stage="trial",
        point=NO_POINT,
        rerun=0,
        seeds=seeds.derive(found.seed, "trial", 0),
        lr=1.0,
        hyperparameters={},
        epochs=found.train.epochs,
    )
