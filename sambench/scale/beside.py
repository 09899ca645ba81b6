"""Trials of a study, by the suite and by hand, in turns: what each takes for the same work."""

import importlib.metadata
import random
import shlex
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from statistics import median
from typing import Protocol

import optuna
import torch

from sambench import config, seeds
from sambench import study as studies
from sambench.bench import OURS, PEER, RHO, Race, Timed, Trials
from sambench.config import BASELINE, Study, Train
from sambench.errors import UserError
from sambench.executors import Assignment, execute
from sambench.scale.by_hand import ByHand, pictures, tensors
from sambench.scale.quiet import quiet
from sambench.scores import ACCURACY
from sambench.study import StudyFolder, Tuner
from sambench.tasks import digest
from sambench.tasks.images import Data, ImageClassification, Images
from sambench.training import Custom, device, provenance
from variants.core.registry import name_of
from variants.sam import SAM

SAM_KEY = name_of(SAM(rho=RHO))
RATE = 0.01
"""With which all train, whatever was drawn, so that none diverges and is over early."""
Clock = Callable[[], float]


@dataclass(frozen=True)
class Asked:
    """What to time."""

    study: Study
    cache: Path
    rounds: int
    """trials of each program"""
    command: tuple[str, ...] = ()
    """words of the command line, after `bench`"""
    progress: Callable[[str], object] = lambda stage: None


class _Program(Protocol):
    evaluations: float
    """gradients taken, of a batch each"""

    def trial(self) -> float:
        """From asking for it to its being stored; the validation accuracy."""
        ...


def race(asked: Asked) -> Trials:
    """Races the study's trials against those of a script by hand, on one core.

    UserError for a study that trains otherwise than the script does.
    """
    study = asked.study
    streams = seeds.derive(study.seed, "point", 0).streams
    _check(study)
    data = study.task.load(streams, asked.cache)
    assert isinstance(data, Data)
    if not (isinstance(data.train, Images) and isinstance(data.val, Images)):
        raise UserError(f"--study: {study.name}: the script by hand needs images in memory")
    host = {
        **provenance.hardware(),
        "threads": torch.get_num_threads(),
        "load before": provenance.load(),
    }
    variants = [BASELINE, *([SAM_KEY] if find_spec(PEER) else [])]
    missing = f"left out: {SAM_KEY}, which by hand is {PEER}'s (pip install 'sambench[bench]')"
    with tempfile.TemporaryDirectory(prefix="sambench-") as name, quiet():
        races = tuple(_race(asked, key, data, Path(name) / key) for key in variants)
    return Trials(
        study=study.name,
        model=study.task.model,
        train_images=len(data.train),
        val_images=len(data.val),
        epochs=study.train.epochs,
        batch_size=study.train.batch_size,
        clock="of the processor",
        races=races,
        notes=() if SAM_KEY in variants else (missing,),
        hardware=device.describe("cpu"),
        command=shlex.join(["python", "-m", "sambench", "bench", *asked.command]),
        commit=provenance.commit(),
        date=provenance.date(None),
        versions=_versions(),
        host={**host, "load after": provenance.load()},
    )


def _check(study: Study) -> None:
    """What the script by hand does not do, the study must not ask for."""
    task = study.task
    if not isinstance(task, ImageClassification) or (
        task.pretrained
        or task.freeze
        or task.class_weights
        or task.stream is True
        or task.decides != ACCURACY
    ):
        raise UserError(
            f"--study: {study.name}: the script by hand trains models of timm from random weights "
            "to classify images in memory; the nearest study is digits"
        )
    own = study.train
    known = Train(
        epochs=own.epochs,
        batch_size=own.batch_size,
        momentum=own.momentum,
        weight_decay=own.weight_decay,
    )
    for key in Train.model_fields:
        if getattr(own, key) != getattr(known, key):
            raise UserError(f"--study: {study.name}: the script by hand knows no train.{key}")


def _searching(asked: Asked) -> Study:
    """The study's runs, of two arms that search, with points enough."""
    rate = {"low": 1e-3, "high": 1.0, "log": True}
    return config.parse(
        {
            **asked.study.model_dump(mode="json"),
            "variants": [SAM_KEY],
            "variant": [{"name": BASELINE, "length": 1}],
            "search": {"budget": 8, "searches": max(5, asked.rounds), "space": {"lr": rate}},
            "confirm": {},
            "measure": None,
        },
        asked.study.name,
    )


def _race(asked: Asked, key: str, data: Data, folder: Path) -> Race:
    """In every round all have a trial, in an order drawn anew, after one to warm up."""
    journal = folder / "by-hand"
    journal.mkdir(parents=True)
    own = StudyFolder(folder, _searching(asked))
    with own.opened() as storage:
        programs: dict[str, _Program] = {OURS: _Ours(asked, key, own, storage)}
        for dataset in (tensors, pictures):
            file = journal / f"{dataset.__name__}.log"
            by_hand = ByHand(asked.study, key, data, dataset, file, RATE, RHO)
            programs[f"by hand, {dataset.__name__}"] = by_hand
        spent: dict[str, list[float]] = {name: [] for name in programs}
        scores: dict[str, list[float]] = {name: [] for name in programs}
        before, order = dict.fromkeys(programs, 0.0), random.Random(0)
        for number in range(asked.rounds + 1):
            asked.progress(f"{key}: round {number} of {asked.rounds}")
            for name in order.sample(sorted(programs), len(programs)):
                began = time.process_time()
                score = programs[name].trial()
                seconds = time.process_time() - began
                if number:
                    spent[name].append(round(seconds, 6))
                    scores[name].append(score)
                else:
                    before[name] = programs[name].evaluations
        evaluations = {n: (p.evaluations - before[n]) / asked.rounds for n, p in programs.items()}
    timed = [
        Timed(name, tuple(spent[name]), evaluations[name], round(median(scores[name]), 4))
        for name in programs
    ]
    return Race(key, tuple(timed))


class _Ours:
    """Points of an arm's pool as a study with one worker runs them, but for display and W&B."""

    def __init__(
        self,
        asked: Asked,
        key: str,
        folder: StudyFolder,
        storage: optuna.storages.BaseStorage,
    ) -> None:
        study, self._folder = folder.study, folder
        self._arm = folder.arms[key]
        self._protocol = studies.Protocol(study, folder.arms, "cpu")
        self._tuner = Tuner(study, self._arm, storage)
        self._cache = asked.cache
        self._digest = digest(study.task.contents(asked.cache))
        self._points: Iterator[int] = count()
        self.evaluations = 0.0

    def trial(self) -> float:
        point = next(self._points)
        drawn = self._protocol.pool_run(self._arm, point, self._tuner.ask(point))
        own = {} if drawn.radius is None else {drawn.radius: RHO}
        run = replace(drawn, lr=RATE, hyperparameters={**drawn.hyperparameters, **own})
        job = Assignment(run, self._folder.run(run), self._cache, 10.0, Custom(), self._digest)
        outcome = execute(job, lambda row: self._tuner.report(point, row, run.epochs))
        if outcome.outcome != "complete":
            raise UserError(f"a trial of {run.key} is {outcome.outcome}: {outcome.reason}")
        self._tuner.tell(point, outcome)
        self.evaluations += outcome.gradient_evaluations
        return outcome.val or 0.0


def _versions() -> dict[str, str]:
    found = {k: v for k, v in provenance.versions().items() if k in ("python", "torch", "timm")}
    peers = ("optuna", PEER) if find_spec(PEER) else ("optuna",)
    return found | {name: importlib.metadata.version(name) for name in peers}
