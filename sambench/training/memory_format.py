"""How images lie in memory: channel by channel, or all channels of a pixel together."""

import torch
from torch import nn

from sambench.config import Train


def channels_last(train: Train, model: nn.Module, device: torch.device) -> bool:
    """Whether model and images lie channels last: as the study says, or where that is faster.

    On a CPU it is, for convolutions. On synthetic images laid channel by channel, as torchvision's
    sets and folders are read, the engine's epochs of plain took 0.47 of the time with
    mobilenetv3_small_050, 0.74 with test_resnet and test_efficientnet, 0.84 with test_convnext,
    1.00 with resnet18 (at 32 pixels) and 0.60 with efficientnet_lite0 (at 64); images of one
    channel lie both ways at once, digits with test_resnet took 1.00 (one core of an AMD EPYC,
    2026-11-28). Models that are not timm's may call `view`, which refuses such tensors.
    """
    if train.channels_last is not None:
        return train.channels_last
    convolves = any(isinstance(m, nn.Conv2d) for m in model.modules())
    return device.type == "cpu" and convolves and type(model).__module__.startswith("timm.models.")
