"""A base optimizer's parameter groups, and what cannot be a base optimizer."""

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from variants.core import registry
from variants.core.protocol import Real, Variant
from variants.driver import bases

Parameters = dict[str, nn.Parameter]
Group = dict[str, Any]
"""torch's own type of a parameter group"""


def members(base: Optimizer, parameters: Parameters) -> Iterator[tuple[str, nn.Parameter, Group]]:
    """Every parameter with its name and its group."""
    groups = {id(p): group for group in base.param_groups for p in group["params"]}
    for name, p in parameters.items():
        yield name, p, groups[id(p)]


def radii(base: Optimizer, variant: Variant, parameters: Parameters) -> dict[str, Real]:
    """Factors on the offsets of parameters whose group asks for another radius."""
    factors = [_factor(base, variant, group) for group in base.param_groups]
    own = {
        id(p): factor
        for group, factor in zip(base.param_groups, factors, strict=True)
        if isinstance(factor, Tensor) or factor != 1.0
        for p in group["params"]
    }
    return {name: own[id(p)] for name, p in parameters.items() if id(p) in own} if own else {}


def _factor(base: Optimizer, variant: Variant, group: Group) -> Real:
    if not group.get("perturb", True):
        return 0.0
    own = "rho" in base.defaults  # Adadelta's decay, no radius
    if own or group.get("rho") is None:
        return 1.0
    rho = getattr(variant, "rho", None)
    radii = [name for name, h in variant.hyperparameters().items() if h.range is not None]
    if not variant.scales or (rho is None and radii):
        raise ValueError(
            f"a parameter group has rho={group['rho']}, but the perturbations of "
            f"{registry.name_of(variant)} are not proportional to a rho; take the rho out of the "
            "group (perturb=False leaves a group at w)"
        )
    if rho is None:
        return 1.0
    if isinstance(group["rho"], Tensor):
        return group["rho"] / rho
    if group["rho"] < 0 or not float(rho):
        got = f"got {group['rho']} and {rho}"
        raise ValueError(f"rho of a group must be >= 0 and the variant's > 0, {got}")
    return float(group["rho"] / rho)


def moments(base: Optimizer, parameters: Parameters) -> dict[str, Tensor]:
    """The first moments that `base`, or an optimizer that it wraps, keeps of parameters."""
    inner = bases.parts(base)
    found = {}
    for name, p in parameters.items():
        states = [optimizer.state[p] for optimizer in inner if p in optimizer.state]
        kept = [state.get(key) for state in states for key in ("exp_avg", "momentum_buffer")]
        found[name] = next((m for m in kept if m is not None), None)
    return {name: m for name, m in found.items() if m is not None}


def step_alone(base: Optimizer, device: torch.device) -> None:
    """A step that nobody else notices: no hook runs, global generators stay where they are."""
    for optimizer in bases.parts(base):
        for hooks in ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks"):
            vars(optimizer).get(hooks, {}).clear()  # whoever undoes the step brings them back
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        base.step()


def maximizes(base: Optimizer) -> bool:
    """Whether the base optimizer climbs; ValueError if only some of its groups do."""
    found = {bool(group.get("maximize")) for group in base.param_groups}
    if len(found) > 1:
        raise ValueError(
            "some parameter groups have maximize=True and others not: the rule needs one loss "
            "to minimise or to maximise; take an optimizer for each"
        )
    return True in found


def refuse(base: Optimizer, variant: Variant, total_steps: int | None) -> None:
    """ValueError for what cannot work together."""
    name = registry.name_of(variant)
    each = base.optimizers if isinstance(base, bases.Bases) else [base]
    for one in each:
        _refuse_base(one, variant, name)
    if "total_steps" in variant.needs and total_steps is None:
        raise ValueError(f"{name} needs the length of the run: SharpnessAware(..., total_steps=N)")


def _refuse_base(base: Optimizer, variant: Variant, name: str) -> None:
    closure = inspect.signature(type(base).step).parameters.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        raise ValueError(
            f"{type(base).__name__} evaluates the loss itself: it cannot be a base optimizer"
        )
    group = base.defaults
    if "momentum" in variant.needs and not (group.get("momentum") or group.get("betas")):
        kind = type(base).__name__
        raise ValueError(
            f"{name} needs a base optimizer with momentum; {kind}(momentum=0) keeps none. "
            "Pass momentum > 0 or use AdamW"
        )
