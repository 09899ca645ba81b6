"""[train]: how one run trains."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from sambench.config.bases import GRAPH_BASES
from sambench.config.numbers import LARGEST, Count, Mix, Nonnegative, Plain, Rate, Share
from sambench.config.table import Broken, IfSet, Listed, Table, if_set

V = TypeVar("V")

OWN_SCHEDULES = ("cosine", "constant")


def _no_plateau(name: object) -> object:
    if name == "plateau":
        raise Broken("plateau waits for validation scores; schedules here are functions of time")
    return name


Schedule = Annotated[
    Literal["cosine", "constant", "step", "multistep", "poly", "tanh", "wsd", "rsqrt"],
    BeforeValidator(_no_plateau),
]
_Positive = Annotated[float, Field(gt=0, le=LARGEST)]


class ScheduleArgs(Table):
    """timm's, in epochs and in shares of the peak."""

    decay_epochs: _Positive | None = None
    decay_milestones: Annotated[tuple[_Positive, ...], Listed, Field(min_length=1)] | None = None
    decay_rate: Annotated[float, Field(gt=0, le=100)] | None = None
    min_lr: Annotated[float, Field(ge=0, le=1)] | None = None
    k_decay: Annotated[float, Field(gt=0, le=100)] | None = None
    decay_fn: str | None = None
    stable_timescale: _Positive | None = None


_NEEDED = {"step": "decay_epochs", "multistep": "decay_milestones", "poly": "decay_rate"}
"""What timm's own default, meant for 300 epochs, would get wrong here."""


def _schedule_args(given: object) -> object:
    """The table as it was written, once it is known to be right."""
    ScheduleArgs.model_validate(given)
    return given


def _base_args(given: object) -> object:
    elsewhere = {"lr": "it is searched", "weight_decay": "it is train.weight_decay"}
    for name in map(str, given) if isinstance(given, Mapping) else ():
        if name in elsewhere:
            raise Broken(f"cannot stand here, {elsewhere[name]}", name)
    return given


CHANNELS_LAST = "channels last"
"""What records say, beside the processor's instructions, of a run that a CPU trained so though its
study did not say how: it rounds in other ways."""


class Train(Table):
    """How one run trains; the learning rate is searched, see `[search]`."""

    epochs: Count
    """of one run"""
    batch_size: Count
    """in items, of all processes together"""

    base: Annotated[str, Field(min_length=1)] = "sgd"
    """`sgd`, `adamw`, or any optimizer of timm"""
    base_args: IfSet[Annotated[dict[str, Plain], BeforeValidator(_base_args)]] = Field(
        default_factory=dict
    )
    """its further arguments"""
    momentum: Share = 0.9
    """of a base optimizer that has one"""
    nesterov: bool = False
    """of `sgd`"""
    betas: Annotated[tuple[Share, Share], Listed] = (0.9, 0.999)
    """of `adamw`"""

    schedule: Schedule = "cosine"
    """of the learning rate, after warm-up; all but the first two are timm's"""
    schedule_args: IfSet[Annotated[dict[str, Plain], BeforeValidator(_schedule_args)]] = Field(
        default_factory=dict
    )
    """timm's, in epochs and in shares of the peak: `decay_epochs`, `decay_milestones`,
    `decay_rate`, `min_lr`, `k_decay`, `decay_fn`, `stable_timescale`"""
    warmup_epochs: Nonnegative = 0.0
    """linear, from 0 to the peak"""
    yields: IfSet[Literal["last", "best"]] = "last"
    """the weights of a run: the last, or those of the epoch with the best validation score"""

    weight_decay: Rate = 5e-4
    """the base optimizer's"""
    decay_norm_and_bias: IfSet[bool] = True
    """false: no weight decay on norms and biases"""
    layer_decay: IfSet[Annotated[float, Field(gt=0, le=1)] | None] = None
    """layer-wise decay of the learning rate, timm's"""
    head_lr: IfSet[Annotated[float, Field(gt=0, le=LARGEST)] | None] = None
    """of the model's head, in units of the learning rate; the head is what timm calls classifier"""
    ema: IfSet[Annotated[float, Field(gt=0, lt=1)] | None] = None
    """evaluate a running mean of the weights (timm's, with its warm-up) of this decay"""

    label_smoothing: Share = 0.0
    """share of the target that is spread over all classes"""
    augment: Literal[
        "none", "crop-flip", "crop-flip-cutout", "randaugment", "random-resized-crop"
    ] = "none"
    """drawn per image; cutout and `randaugment` come after crop and flip; `random-resized-crop`
    scales 8 to 100% of an image's area to the whole's size, as torchvision does, and flips"""
    mixup: IfSet[Mix] = 0.0
    """alpha, 0 for none; drawn once per step, the same in all passes"""
    cutmix: IfSet[Mix] = 0.0
    """the same; where both are set, each step draws one of them"""

    amp: IfSet[Literal["none", "bf16", "fp16"]] = "none"
    """autocast, `fp16` with a loss scale; of the evaluation too"""
    channels_last: IfSet[bool | None] = None
    """memory format of model and images; default: true for timm's convolutions on a CPU, which are
    faster so, else false"""
    tf32: IfSet[bool | None] = None
    """TF32 in matrix products and convolutions; default: torch's choice"""
    micro_batch: IfSet[Count | None] = None
    """in items of one process: gradients are accumulated, exactly"""
    clip: IfSet[Annotated[float, Field(gt=0, le=LARGEST)] | None] = None
    """largest norm of the final direction"""
    compile: IfSet[bool] = False
    """`torch.compile`, in training"""
    engine: IfSet[Literal["eager", "graph"]] = "eager"
    """`graph`: steps as CUDA graphs; `base` one of sgd, momentum, adam, adamw, then fused"""
    ascent: IfSet[Literal["local", "synced"]] = "local"
    """what several processes do, see `variants.SharpnessAware`; one knows no difference"""

    @model_validator(mode="after")
    def _schedule_is_complete(self) -> Self:
        needed = _NEEDED.get(self.schedule)
        if needed and needed not in self.schedule_args:
            raise Broken("is required", "schedule_args", needed)
        return self

    @model_validator(mode="after")
    def _can_be_captured(self) -> Self:
        if self.engine == "eager":
            return self
        if self.compile:
            raise Broken("does not go with compile yet", "engine")
        if self.base not in GRAPH_BASES or self.base_args.get("fused") is False:
            allowed = " or ".join(GRAPH_BASES)
            raise Broken(f"graph needs a fused base, {allowed}", "engine")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise Broken("needs momentum > 0", "nesterov")
        if self.warmup_epochs >= self.epochs:
            rule = f"must be < epochs = {self.epochs}, got {self.warmup_epochs}"
            raise Broken(rule, "warmup_epochs")
        return self


def extensions(train: Mapping[str, V]) -> dict[str, V]:
    """What a dumped [train] holds only because it is set."""
    return {name: value for name, value in train.items() if name in if_set(Train)}
