"""The base optimizer and learning-rate schedule that a study asks for."""

import math

import torch
from torch import nn

from sambench.config import Train


def base_optimizer(train: Train, model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """SGD or AdamW over all parameters, with the study's momentum and weight decay."""
    if train.base == "sgd":
        return torch.optim.SGD(
            model.parameters(),
            lr=lr,
            momentum=train.momentum,
            nesterov=train.nesterov,
            weight_decay=train.weight_decay,
        )
    return torch.optim.AdamW(
        model.parameters(), lr=lr, betas=train.betas, weight_decay=train.weight_decay
    )


def lr_factor(train: Train, step: int, total_steps: int) -> float:
    """The learning rate of a step as a share of the peak: linear warm-up, then cosine to 0.

    Warm-up takes the same share of a run whatever the length of its schedule.
    """
    warmup = round(train.warmup_epochs / train.epochs * total_steps)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if train.schedule == "constant":
        return 1.0
    done = (step - warmup) / max(total_steps - warmup, 1)
    return 0.5 * (1 + math.cos(math.pi * done))
