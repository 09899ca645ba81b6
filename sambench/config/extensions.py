"""Training options younger than the first studies, and what can be a base optimizer."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from sambench.config.numbers import LARGEST, Count, Mix, Plain
from sambench.config.table import Broken, Table
from sambench.errors import UserError, echo, nearest

OWN_BASES = ("sgd", "adamw")
GRAPH_BASES = ("sgd", "momentum", "adam", "adamw")
"""Those with fused kernels, in timm's names."""
OWN_SCHEDULES = ("cosine", "constant")
_CLOSURES = {"lbfgs"}


def _no_plateau(name: object) -> object:
    if name == "plateau":
        raise Broken("plateau waits for validation scores; schedules here are functions of time")
    return name


Schedule = Annotated[
    Literal["cosine", "constant", "step", "multistep", "poly", "tanh", "wsd", "rsqrt"],
    BeforeValidator(_no_plateau),
]
_POSITIVE = Annotated[float, Field(gt=0, le=LARGEST)]


class ScheduleArgs(Table):
    """timm's, in epochs and in shares of the peak; a dump holds only what is set."""

    decay_epochs: _POSITIVE | None = None
    decay_milestones: Annotated[tuple[_POSITIVE, ...], Field(strict=False, min_length=1)] | None = (
        None
    )
    decay_rate: Annotated[float, Field(gt=0, le=100)] | None = None
    min_lr: Annotated[float, Field(ge=0, le=1)] | None = None
    k_decay: Annotated[float, Field(gt=0, le=100)] | None = None
    decay_fn: str | None = None
    stable_timescale: _POSITIVE | None = None


_NEEDED = {"step": "decay_epochs", "multistep": "decay_milestones", "poly": "decay_rate"}
"""What timm's own default, meant for 300 epochs, would get wrong here."""


def _schedule_args(given: Any) -> Any:
    """The table as it was written, once it is known to be right."""
    ScheduleArgs.model_validate(given)
    return given


def _base_args(given: Any) -> Any:
    elsewhere = {"lr": "it is searched", "weight_decay": "it is train.weight_decay"}
    for name in _keys(given):
        if name in elsewhere:
            raise Broken(f"cannot stand here, {elsewhere[name]}", name)
    return given


def _keys(given: Any) -> list[str]:
    """Those of a table; pydantic tells what is none."""
    return [str(name) for name in given] if isinstance(given, Mapping) else []


class Extensions(Table):
    """Keys of [train] that a dump, and so a study's identity, holds only where they are set."""

    base_args: Annotated[dict[str, Plain], BeforeValidator(_base_args)] = Field(
        default_factory=dict
    )
    """its further arguments"""
    schedule_args: Annotated[dict[str, Any], BeforeValidator(_schedule_args)] = Field(
        default_factory=dict
    )
    """timm's, in epochs and in shares of the peak: `decay_epochs`, `decay_milestones`,
    `decay_rate`, `min_lr`, `k_decay`, `decay_fn`, `stable_timescale`"""
    decay_norm_and_bias: bool = True
    """false: no weight decay on norms and biases"""
    layer_decay: Annotated[float, Field(gt=0, le=1)] | None = None
    """layer-wise decay of the learning rate, timm's"""
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    """evaluate a running mean of the weights (timm's, with its warm-up) of this decay"""
    mixup: Mix = 0.0
    """alpha, 0 for none; drawn once per step, the same in all passes"""
    cutmix: Mix = 0.0
    """the same; where both are set, each step draws one of them"""
    amp: Literal["none", "bf16", "fp16"] = "none"
    """autocast, `fp16` with a loss scale; of the evaluation too"""
    channels_last: bool = False
    """memory format of model and images"""
    tf32: bool | None = None
    """TF32 in matrix products and convolutions; default: torch's choice"""
    micro_batch: Count | None = None
    """in images of one process: gradients are accumulated, exactly"""
    clip: Annotated[float, Field(gt=0, le=LARGEST)] | None = None
    """largest norm of the final direction"""
    compile: bool = False
    """`torch.compile`, in training"""
    engine: Literal["eager", "graph"] = "eager"
    """`graph`: steps as CUDA graphs; `base` one of sgd, momentum, adam, adamw, then fused"""
    ascent: Literal["local", "synced"] = "local"
    """what several processes do, see `variants.SharpnessAware`; one knows no difference"""

    @model_validator(mode="after")
    def _schedule_is_complete(self) -> Self:
        needed = _NEEDED.get(getattr(self, "schedule", ""))
        if needed and needed not in self.schedule_args:
            raise Broken("is required", "schedule_args", needed)
        return self

    @model_validator(mode="after")
    def _can_be_captured(self) -> Self:
        if self.engine == "eager":
            return self
        if self.compile:
            raise Broken("does not go with compile yet", "engine")
        if getattr(self, "base", "") not in GRAPH_BASES or self.base_args.get("fused") is False:
            allowed = " or ".join(GRAPH_BASES)
            raise Broken(f"graph needs a fused base, {allowed}", "engine")
        return self

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {k: v for k, v in dump(self).items() if k not in _DEFAULTS or v != _DEFAULTS[k]}


_DEFAULTS = {
    name: field.get_default(call_default_factory=True)
    for name, field in Extensions.model_fields.items()
}


def extensions(train: dict[str, Any]) -> dict[str, Any]:
    """Those that a dumped [train] sets."""
    return {name: value for name, value in train.items() if name in _DEFAULTS}


def check_base(name: str) -> None:
    """UserError unless timm knows the optimizer and it takes gradients as they come."""
    if name in OWN_BASES:
        return
    from timm.optim import get_optimizer_info, list_optimizers  # seconds; few studies need it

    known = {str(n): get_optimizer_info(str(n)).second_order for n in list_optimizers()}
    bases = [n for n, second_order in known.items() if not second_order]
    if name in _CLOSURES:
        why, bases = f"{name} evaluates the loss itself and cannot be a base", OWN_BASES
    elif name in bases:
        return
    elif name in known:
        why = f"{name} needs second derivatives and cannot be a base"
    else:
        why = f"unknown value {echo(name)}"
    raise UserError(f"train.base: {why}, {nearest(name, bases)}")
