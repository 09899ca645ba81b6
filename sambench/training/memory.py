"""A run whose device memory runs out goes on with batches in parts, where that is the same maths.

The gradient of a batch's mean loss is the sum of its parts' gradients, each weighted by its share
of the items; a variant sees whole gradients and norms, be they at w or at w + e. Equal are the
results up to the order of sums in floating point, and dropout, which draws other masks of the same
distribution. Not so where items of a batch meet: BatchNorm, running statistics of any kind.
"""

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from sambench.errors import WorkFailed
from sambench.tasks import Trainer, select
from sambench.training import device
from sambench.training.engine import Engine


class NoMemory(WorkFailed):
    """One of several processes ran out of it, which ends them all.

    fewer: items at once with which they can go on, 0 if they cannot
    remedy: what would help
    trace: the traceback
    """

    def __init__(self, rank: int, fewer: int, remedy: str, trace: str) -> None:
        super().__init__(f"process {rank} ran out of memory")
        self.fewer = fewer
        self.remedy = remedy
        self.trace = trace


FEWER = "fewer workers on the device"
CLOSE = {"none": 1e-3, "bf16": 0.1, "fp16": 0.02}
"""Relative; how far rounding takes a loss, by number format. Neighbours take it further."""


def way_on(engine: Trainer | None, item: str) -> tuple[int, str]:
    """Half as many items at once as the engine tried last, or 0, and what would help then.

    engine: is given up; None: there was none yet
    item: the word for one
    """
    if engine is None:
        return 0, f"out of memory before training began; try a smaller model, or {FEWER}"
    if not isinstance(engine, Engine):
        return 0, f"out of memory; try a smaller model or train.batch_size, or {FEWER}"
    half = _half(engine)
    if not half:
        return (
            0,
            f"out of memory with one {item} at once; try a smaller model or {item}, or {FEWER}",
        )
    try:
        if _parts_add_up(engine):
            return half, ""
    except Exception as error:  # it takes no single image, or has no memory for two
        if device.is_out_of_memory(error):
            return 0, f"out of memory with two {item}s; try a smaller model or {item}, or {FEWER}"
    return 0, (
        "out of memory, and batches of this model cannot be computed in parts, which would change "
        "the result (BatchNorm or the like); try a smaller train.batch_size, a model without "
        f"BatchNorm, or {FEWER}"
    )


def _half(engine: Engine) -> int:
    return min(engine.at_once or engine.share, engine.share) // 2


def _parts_add_up(engine: Engine) -> bool:
    """Whether an item's loss is the same whichever items are computed with it.

    Moves what the model draws and counts: for an engine that is given up.
    """
    if any(isinstance(module, _BatchNorm) for module in engine.model.modules()):
        return False
    two = engine.data.train.rows(torch.arange(2) % len(engine.data.train))
    x, y = next(iter(engine.data.eval_batches(two, batch_size=2)))
    before = [buffer.clone() for buffer in engine.model.buffers()]
    engine.model.train()
    with torch.no_grad():
        together, again = engine.losses(x, y), engine.losses(x, y)
        halves = [slice(0, 1), slice(1, 2)]
        alone = torch.cat([engine.losses(select(x, rows), y[rows]) for rows in halves])
    moved = any(map(_differ, before, engine.model.buffers()))
    close = CLOSE[engine.train.amp]
    draws = not torch.allclose(together, again, rtol=close)
    return not moved and (draws or torch.allclose(together, alone, rtol=close))


def _differ(one: Tensor, other: Tensor) -> bool:
    return not torch.equal(one, other)
