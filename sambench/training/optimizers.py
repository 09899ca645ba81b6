"""The base optimizer and learning-rate schedule that a study asks for."""

import math
from collections.abc import Callable, Mapping
from functools import partial

import torch
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from torch import nn

from sambench.config import OWN_SCHEDULES, Train
from sambench.errors import UserError, said
from sambench.tasks import head_of


def base_optimizer(train: Train, model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """timm's optimizer of that name over all parameters, or over timm's groups of them.

    Its groups may hold `lr_scale`, their share of the learning rate. UserError for arguments that
    it does not take, for an optimizer that is not installed, and for a head that no model tells.
    """
    own = {
        "sgd": {"nesterov": train.nesterov},
        "adamw": {"betas": train.betas},
    }.get(train.base, {})
    fused = {"fused": True} if train.engine == "graph" else {}
    grouped = train.layer_decay is not None or not train.decay_norm_and_bias
    try:
        made = create_optimizer_v2(
            model if grouped else model.parameters(),
            train.base,
            lr=lr,
            weight_decay=train.weight_decay,
            filter_bias_and_bn=not train.decay_norm_and_bias,
            layer_decay=train.layer_decay,
            **{"momentum": train.momentum, **own, **fused, **train.base_args},
        )
    except Exception as error:
        raise UserError(f"train.base_args: {train.base} cannot be built: {said(error)}") from error
    if train.head_lr is not None:
        _set_apart(made, head_of(model), train.head_lr)
    return made


def _set_apart(
    optimizer: torch.optim.Optimizer, heads: Mapping[str, nn.Module], factor: float
) -> None:
    """Moves the parameters of a head into groups of its own, at `factor` times their groups' lr."""
    own = {p for module in heads.values() for p in module.parameters()}
    if not own:
        raise UserError("train.head_lr: the model does not tell which part is its head")
    for group in [*optimizer.param_groups]:
        moved = [p for p in group["params"] if p in own]
        if not moved:
            continue
        scale = group.get("lr_scale", 1.0) * factor
        group["params"] = [p for p in group["params"] if p not in own]
        optimizer.add_param_group({**group, "params": moved, "lr_scale": scale})


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr * group.get("lr_scale", 1.0)


def schedule(train: Train, total_steps: int) -> Callable[[int], float]:
    """step -> the learning rate as a share of the peak, a function of the step alone."""
    if train.schedule in OWN_SCHEDULES and not train.schedule_args:
        return partial(lr_factor, train, total_steps=total_steps)
    return _timm_schedule(train, total_steps)


def lr_factor(train: Train, step: int, total_steps: int) -> float:
    """Linear warm-up, then cosine to 0, or constant.

    Warm-up takes the same share of a run whatever the length of its schedule.
    """
    warmup = _warmup(train, total_steps)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if train.schedule == "constant":
        return 1.0
    done = (step - warmup) / max(total_steps - warmup, 1)
    return 0.5 * (1 + math.cos(math.pi * done))


def _warmup(train: Train, total_steps: int) -> int:
    return round(train.warmup_epochs / train.epochs * total_steps)


def _timm_schedule(train: Train, total_steps: int) -> Callable[[int], float]:
    """timm's, stepping per update; its epochs stretch with the run as those of warm-up do.

    Milestones and steps count from the start of the run, the smooth ones begin after warm-up.
    """
    warmup = _warmup(train, total_steps) * train.epochs / total_steps
    smooth = train.schedule not in ("step", "multistep")
    peak = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    try:
        scheduler, _ = create_scheduler_v2(
            peak,
            train.schedule,
            num_epochs=train.epochs - (warmup if smooth else 0),  # pyright: ignore[reportArgumentType]
            warmup_epochs=warmup,  # pyright: ignore[reportArgumentType]
            warmup_lr=1 / (_warmup(train, total_steps) + 1),
            warmup_prefix=smooth,
            step_on_epochs=False,
            updates_per_epoch=total_steps / train.epochs,  # pyright: ignore[reportArgumentType]
            **train.schedule_args,
        )
    except Exception as error:
        raise UserError(f"train.schedule_args: {train.schedule}: {said(error)}") from error
    assert scheduler is not None

    def factor(step: int) -> float:
        scheduler.step_update(step)
        return peak.param_groups[0]["lr"]

    return factor
