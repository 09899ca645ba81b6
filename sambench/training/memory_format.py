"""How images lie in memory: channel by channel, or all channels of a pixel together."""

import torch
from torch import nn

from sambench.config import Train


def channels_last(train: Train, model: nn.Module, device: torch.device) -> bool:
    """Whether model and images lie channels last: as the study says, or where that is faster.

    On a CPU it is, for convolutions: forward and backward took 0.44 (mobilenetv3_small_050) to 0.98
    (test_mambaout) of the time with nine models of timm, 0.69 with test_resnet and 0.96 with
    resnet18 in batches of 128 images of 32 x 32 pixels, and 1.02 with test_vit, which has one (one
    core of an AMD EPYC, 2026-11-27). Models of others may call `view`, which refuses such tensors.
    """
    if train.channels_last is not None:
        return train.channels_last
    convolves = any(isinstance(m, nn.Conv2d) for m in model.modules())
    return device.type == "cpu" and convolves and type(model).__module__.startswith("timm.models.")
