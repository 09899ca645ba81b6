"""What other tools' loops do around `step` and it cannot make right, told in their words."""

import inspect
import sys
from functools import partial

import torch
from torch.optim import Optimizer

from variants.driver.batch import Closure, Loop

_EMPTY = "do_nothing_closure"
NO_CLOSURE = (
    "step needs the loss: optimizer.step(lambda: loss(model(x), y)) stands in the place of "
    "zero_grad(), backward() and step(). A loop that calls backward() itself does so in "
    "`for rows in optimizer.evaluations(): loss(model(x[rows]), y[rows]).backward()`, which is a "
    "step; step() may come after it. (In Lightning set automatic_optimization = False, in Fabric "
    "and Accelerate call optimizer.step(closure), in transformers loop in training_step)"
)
NO_GRADIENT = (
    "no gradient arrived: the body of `for rows in optimizer.evaluations()` has to call backward() "
    "on its loss, every time (to leave a step out, break); of a model in shards the last one of an "
    "evaluation with set_requires_gradient_sync(True)"
)
UNTOLD = (
    "the losses are needed, by this rule or for the weights: let the body of the loop call "
    "backward() on `optimizer.loss(losses)`, of one loss per row, in the place of its own mean"
)
OUTSIDE = "loss() belongs into the body of `for rows in optimizer.evaluations()`"
CHANGED = (
    "gradients were changed between the loop over evaluations(), which has stepped already, and "
    "step(): to clip, say SharpnessAware(..., clip=1.0) and clip no more (transformers: "
    "max_grad_norm=0)"
)
NO_BACKWARD = (
    "the closure must not call backward(): `step` does. (Lightning's own closure does too: set "
    "automatic_optimization = False and call self.optimizers().step(closure) in training_step)"
)
SCALED = (
    "a GradScaler called step, but every pass needs its scale: give it to "
    "SharpnessAware(..., scaler=scaler) and call optimizer.step(closure) alone, which calls the "
    "scaler's step and update. (Accelerate: scaler=accelerator.scaler, and prepare all but this "
    "optimizer; Lightning: scaler=self.trainer.scaler, and "
    "self.optimizers(use_pl_optimizer=False).step(closure))"
)
ACCUMULATED = (
    "Accelerate is told gradient_accumulation_steps={num}: of so many batches it hands one to a "
    "prepared optimizer, and drops the others. Leave it at 1, load batches {num} times as large, "
    "and cut them by step(closure, size=..., micro=...)"
)
LEFT = (
    "{name} has a gradient already: `step` evaluates the loss itself and would drop it. Leave "
    "backward() out, or call zero_grad() before step (to accumulate: step(..., micro=...))"
)

CHECKPOINT = (
    "torch.distributed.checkpoint's get_ and set_optimizer_state_dict know a bare optimizer's "
    "state only, and would drop the rule's: save and load {'optimizer': "
    "variants.Checkpoint(optimizer)} beside the model"
)


def refuse_checkpoint() -> None:
    """ValueError if torch.distributed.checkpoint asks: it would drop the variant's state."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "torch.distributed.checkpoint.state_dict":
            raise ValueError(CHECKPOINT)
        frame = frame.f_back


def says_nothing(closure: object) -> bool:
    """Whether `step` was called without a closure, be it by Lightning, which makes one up."""
    inner = closure.args[-1:] if isinstance(closure, partial) else ()
    return closure is None or any(getattr(f, "__name__", "") == _EMPTY for f in inner)


def checked(optimizer: Optimizer, closure: Closure | Loop | None) -> Closure | Loop:
    """The closure; TypeError or ValueError for a call of `step` that could not be right."""
    if vars(optimizer).pop("found_inf", None) is not None:  # what a GradScaler tells
        raise ValueError(SCALED)
    if torch.is_inference_mode_enabled():
        raise ValueError("step needs gradients: call it outside torch.inference_mode()")
    if closure is None:
        refuse_checkpoint()
        raise TypeError(NO_CLOSURE)
    if isinstance(closure, Loop):  # it scales and accumulates by itself
        return closure
    state = sys.modules.get("accelerate.state")
    if state is not None and (num := state.GradientState().num_steps) > 1:
        raise ValueError(ACCUMULATED.format(num=num))
    return closure
