"""Extra memory of a variant, counted tensor by tensor on the CPU."""

from functools import cache

import torch
from torch import nn

from variants.core import registry
from variants.core.protocol import Variant
from variants.driver.sharpness_aware import SharpnessAware
from variants.testing.live_bytes import LiveBytes

STEPS = 6  # one more than LookSAM's default period
BATCH = 16


def extra_copies(variant: Variant) -> float:
    """Peak memory of a step beyond the base optimizer's, in copies of the parameters.

    Measured around SGD with momentum on a wide perceptron whose activations are negligible, over
    the first steps of a run. Includes the backup of w, offsets, kept gradients and state, not what
    the driver's `metrics` keep.
    """
    size, base = _peak(variant), _peak(registry.create("plain"))
    return (size - base) / _parameter_bytes()


def _model() -> nn.Module:
    width = 256
    layers = [layer for _ in range(4) for layer in (nn.Linear(width, width), nn.LayerNorm(width))]
    return nn.Sequential(*layers, nn.Linear(width, 10))


@cache
def _parameter_bytes() -> int:
    return sum(p.numel() * p.element_size() for p in _model().parameters())


def _peak(variant: Variant) -> int:
    with torch.random.fork_rng(devices=[]), LiveBytes() as memory:
        torch.manual_seed(0)
        model = _model()
        x, y = torch.randn(BATCH, 256), torch.arange(BATCH) % 10
        base = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        opt = SharpnessAware(base, variant, model, total_steps=STEPS, metrics=False)
        loss = nn.CrossEntropyLoss(reduction="none")
        for _ in range(STEPS):
            opt.step(lambda rows: loss(model(x[rows]), y[rows]), size=BATCH)
        return memory.peak
