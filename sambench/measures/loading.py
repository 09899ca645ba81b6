"""The model of kept weights, and the data that it was trained and tested on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sambench.errors import UserError, echo, shortened
from sambench.measures.measure import Measure
from sambench.measures.subject import Batch, Epoch, Needs, Pixels, Subject, measured, misfit, spread
from sambench.tasks import Data, own_model
from sambench.tasks.images import Data as Images
from sambench.tasks.images import eval_batches
from sambench.training import Custom, Run, Weights, device


@dataclass(frozen=True)
class Extent:
    """How much of a set is measured: rows at even distances, so that sorted classes all count."""

    max_batches: int = 8
    batch_size: int = 128

    def items(self, measure: Measure | None = None) -> int:
        """Of a set, at most; of this measure."""
        own = None if measure is None else measure.max_batches
        return min(self.max_batches, own or self.max_batches) * self.batch_size


@contextmanager
def subject_of(
    run: Run,
    weights: Weights,
    extent: Extent,
    cache: Path,
    custom: Custom = Custom(),
    history: tuple[Epoch, ...] = (),
) -> Iterator[Subject]:
    """The run's data and model, in float32; UserError where the weights are another model's."""
    task = run.study.task
    if not task.measurable:
        raise UserError(f"{run}: measures are not taken of a task of kind {echo(task.kind)}")
    device.keep_freed_memory()
    if missing := [name for name in weights.own if name not in custom.brought]:
        raise UserError(
            f"{run}: its study brought its own {missing[0]} by Python; load the weights into the "
            "model there, and call sambench.measure(model, data)"
        )
    data = custom.data or task.load(run.seeds.streams, cache, weights.data or None)
    try:
        if custom.model is None:
            model = task.build(data)
        else:
            model = own_model(custom.model, data.sizes)
        _fill(model, weights, task.model)
        known = custom.data is None and task.label_noise > 0
        true = task.true_labels(run.seeds.streams, cache) if known else None
        with measured(model.to(run.device)):
            yield of(
                model, data.to(run.device), extent, seed=run.seeds.init, true=true, history=history
            )
    finally:
        if custom.data is None:
            data.close()


def of(
    model: nn.Module,
    data: Data,
    extent: Extent,
    *,
    seed: int,
    true: Tensor | None = None,
    history: tuple[Epoch, ...] = (),
) -> Subject:
    """A model, in evaluation mode, with a part of the data on its device."""
    return Subject(
        model,
        _batches(data, data.train, extent),
        _batches(data, data.test, extent),
        data.target,
        pixels=Pixels(data.mean, data.std) if isinstance(data, Images) else None,
        true=None if true is None else _labels(true.to(data.train.device), extent),
        seed=seed,
        history=history,
    )


def unfit(needs: Needs, data: Data) -> str:
    """Why what needs this cannot be measured of these data, "" where it can."""
    return misfit(needs, data.target, images=isinstance(data, Images))


def _batches(data: Data, samples: Any, extent: Extent) -> Sequence[Batch]:
    on = samples.device
    some = samples.rows(spread(len(samples), extent.items()).to(on))
    if not isinstance(data, Images):
        return list(data.eval_batches(some, batch_size=extent.batch_size))
    channels = samples.shape[1]
    zero, one = torch.zeros(channels, device=on), torch.ones(channels, device=on)
    return list(eval_batches(some, batch_size=extent.batch_size, mean=zero, std=one))


def _labels(true: Tensor, extent: Extent) -> Sequence[Tensor]:
    return true[spread(len(true), extent.items()).to(true.device)].split(extent.batch_size)


def _fill(model: nn.Module, weights: Weights, name: str) -> None:
    """Loads them, or names the first parameter that does not fit."""
    own = model.state_dict()
    for key, tensor in own.items():
        if key not in weights.tensors:
            raise UserError(f"these are not weights of {name}: {key} is missing")
        if weights.tensors[key].shape != tensor.shape:
            found, wanted = tuple(weights.tensors[key].shape), tuple(tensor.shape)
            raise UserError(
                f"these are not weights of {name} for this data: {key} is {found}, not {wanted}"
            )
    if more := sorted(set(weights.tensors) - set(own)):
        told = shortened(", ".join(more), 80)
        raise UserError(f"these are not weights of {name}: it has no {told}")
    model.load_state_dict(dict(weights.tensors))
