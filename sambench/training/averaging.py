"""The running mean of the weights that evaluation may use."""

from timm.utils import ModelEmaV3
from torch import nn


class Average(ModelEmaV3):
    """timm's, warmed up: w_ema += (1 - d) * (w - w_ema), d = min(decay, 1 - n ** (-2 / 3))

    n counts steps, so that a short run evaluates no mean of its initial weights. BatchNorm
    statistics are averaged like weights.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, decay, use_warmup=True)
