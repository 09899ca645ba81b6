"""`SAM`: a step by `first_step` and `second_step`, the names that most scripts know."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from variants.core import registry
from variants.driver import sharded
from variants.driver.batch import Loop
from variants.driver.sharpness_aware import SharpnessAware


class SAM(SharpnessAware):
    """SAM as scripts for davda54/sam use it: they run with this import in the place of theirs.

        optimizer = SAM(model.parameters(), torch.optim.SGD, lr=0.1, momentum=0.9)

        loss(model(x), y).backward()
        optimizer.first_step(zero_grad=True)
        loss(model(x), y).backward()
        optimizer.second_step(zero_grad=True)

    It is `SharpnessAware.evaluations` in two calls, for a rule of two gradients: what moves in the
    second pass alone, as BatchNorm statistics do, is put back, and a step that is not finite is
    skipped. Both calls zero the gradients, whatever `zero_grad` says. Other rules, and loops of
    your own: `SharpnessAware`.

    adaptive: ASAM in the form of that repository (`asam` with form="davda")
    """

    _calls: Iterator[Any] | None = None
    """the evaluations of the step that is between its two calls"""

    def __init__(
        self,
        params: Iterable[Any],
        base_optimizer: Callable[..., Optimizer],
        rho: float = 0.05,
        adaptive: bool = False,
        **kwargs: Any,
    ) -> None:
        if isinstance(base_optimizer, Optimizer):
            raise TypeError(
                "base_optimizer is a class here: SAM(params, torch.optim.SGD, lr=0.1). Around one "
                "that is built: SharpnessAware(base, variants.create('sam'), model)"
            )
        base = base_optimizer(params, **kwargs)
        held = nn.ParameterList([p for group in base.param_groups for p in group["params"]])
        asam = {"form": "davda", "rho": rho}
        rule = registry.create("asam", **asam) if adaptive else registry.create("sam", rho=rho)
        model = sharded.holder(held)
        ascent = "local" if model is None else "synced"
        super().__init__(base, rule, held if model is None else model, ascent=ascent)
        self.context.buffers.late = True

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.context.buffers.late = True

    @property
    def base_optimizer(self) -> Optimizer:
        """The one that steps."""
        return self.base

    @torch.no_grad()
    def first_step(self, zero_grad: bool = True) -> None:
        """From the gradients at w to the weights w + e."""
        found = [(p, p.grad) for group in self.param_groups for p in group["params"]]
        self.zero_grad()
        self._calls = self.evaluations()
        next(self._calls)
        for p, grad in found:
            p.grad = grad
        next(self._calls)

    @torch.no_grad()
    def second_step(self, zero_grad: bool = True) -> None:
        """Back to w, and a step of the base optimizer with the gradients at w + e."""
        if self._calls is None:
            raise RuntimeError("second_step comes after first_step")
        calls, self._calls = self._calls, None
        next(calls, None)
        self.zero_grad()

    def step(self, closure: Any = None, *args: Any, **options: Any) -> Tensor:
        """The rest of a step, of which the gradients at w are there: `closure` has those at w + e.

        It calls `backward`.
        """
        if closure is None or isinstance(closure, Loop):
            return super().step(closure, *args, **options)
        self.first_step()
        with torch.enable_grad():
            closure()
        self.second_step()
        return self.context.trace.reported()
