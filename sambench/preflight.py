"""Failing early: what can be told before a study's first run."""

import sys
from collections.abc import Sequence
from pathlib import Path

import torch

import variants
from sambench import data as datasets
from sambench import seeds, train
from sambench.config import Arm, Study
from sambench.data import Data
from sambench.engine import models
from sambench.engine.eager import EagerEngine
from sambench.engine.optimizers import base_optimizer
from sambench.errors import UserError
from sambench.train import Parts, Run


def preflight(
    study: Study, on: str, cache: Path, parts: Parts, arms: Sequence[Arm] | None = None
) -> Data:
    """Loads the data once, runs the model on two of its images, tries every variant's optimizer.

    arms: other competitors than the study's

    UserError for unknown datasets and models, for models that do not take these images, and for
    variants that do not go with the base optimizer.
    """
    if parts.data is None:
        datasets.check(study.task)
    if parts.model is None:
        models.check(study.task)
    dataset = parts.data or datasets.load(study.task, seeds.derive(study.seed).streams, cache)
    if parts.data is None:
        for note in datasets.notes(study.task):
            print(f"sambench: {study.task.dataset}: {note}", file=sys.stderr)
    probe = Run(study, "probe", "plain", "search", 0, seeds.derive(0), 0.1, {}, 1, device=on)
    engine = train.engine_for(probe, dataset, parts)
    _check_images(study, engine, own=parts.model is not None)
    _check_variants(study, engine, study.arms() if arms is None else arms)
    return dataset


def _check_images(study: Study, engine: EagerEngine, *, own: bool) -> None:
    size = tuple(engine.data.train.shape[1:])
    try:
        engine.evaluate(engine.data.val.rows(torch.arange(min(2, len(engine.data.val)))))
    except (RuntimeError, AssertionError, ValueError, IndexError) as error:
        name = "your own model" if own else study.task.model
        line = str(error).splitlines()[0]
        raise UserError(f"task.model: {name} does not take images {size}: {line}") from None


def _check_variants(study: Study, engine: EagerEngine, arms: Sequence[Arm]) -> None:
    for arm in arms:
        base = base_optimizer(study.train, engine.model, 0.1)
        variant = variants.create(arm.key, **arm.fix)
        try:
            variants.SharpnessAware(base, variant, engine.model, total_steps=engine.total_steps)
        except ValueError as error:
            raise UserError(f"variants: {error}") from None
