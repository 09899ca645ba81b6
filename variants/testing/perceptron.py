"""A wide perceptron: beside its weights, activations take next to nothing."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch
from torch import Tensor, nn

from variants.core.protocol import Variant
from variants.driver.sharpness_aware import SharpnessAware

STEPS = 6  # one more than LookSAM's default period
BATCH = 16
WIDTH, CLASSES = 256, 10


def model() -> nn.Module:
    """18 tensors."""
    layers = [layer for _ in range(4) for layer in (nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH))]
    return nn.Sequential(*layers, nn.Linear(WIDTH, CLASSES))


@cache
def parameter_bytes() -> int:
    """Of one copy of the parameters."""
    return sum(p.numel() * p.element_size() for p in model().parameters())


def steps(
    variant: Variant, forward: Callable[[], AbstractContextManager[object]] = nullcontext
) -> Iterator[None]:
    """The first steps of a run around SGD with momentum; `forward` is entered for every loss."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = model()
        x, y = torch.randn(BATCH, WIDTH), torch.arange(BATCH) % CLASSES
        base = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
        opt = SharpnessAware(base, variant, net, total_steps=STEPS, metrics=False)
        cross_entropy = nn.CrossEntropyLoss(reduction="none")

        def loss(rows: slice | Tensor) -> Tensor:
            with forward():
                return cross_entropy(net(x[rows]), y[rows])

        for _ in range(STEPS):
            opt.step(loss, size=BATCH)
            yield
