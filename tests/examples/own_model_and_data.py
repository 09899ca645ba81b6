"""A study of one's own model, data and loss: is a digit even or odd?"""

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import sambench
from sambench.tasks.images import Data, Images


def model(channels: int, classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, classes)
    )


def focal(logits: Tensor, labels: Tensor) -> Tensor:
    """Of each image: (batch,)."""
    losses = cross_entropy(logits, labels, reduction="none")
    return losses * (1 - (-losses).exp()) ** 2


def even_or_odd() -> Data:
    """Pixels from 0 to 255, (n, c, h, w), and numbers of classes; scaled by mean and deviation."""
    digits = load_digits()
    x = torch.as_tensor(digits.images * 15.9).to(torch.uint8)[:, None]
    y = torch.as_tensor(digits.target).long() % 2
    train, val, test = (
        Images(*part)
        for part in zip(x.split([797, 400, 600]), y.split([797, 400, 600]), strict=True)
    )
    pixels = train.x / 255
    return Data(train, val, test, ("even", "odd"), pixels.mean((0, 2, 3)), pixels.std((0, 2, 3)))


study = {
    "name": "even-or-odd",
    "variants": ["plain", "sam"],
    "task": {"dataset": "own", "model": "own"},  # names for the page
    "train": {"epochs": 2, "batch_size": 64},
    "search": {
        "budget": 4,
        "searches": 2,
        "space": {"lr": {"low": 0.01, "high": 1.0, "log": True}},
    },
}

if __name__ == "__main__":  # so that workers > 1 can import the parts
    found = sambench.run_study(
        study,
        model=model,
        data=even_or_odd(),
        loss=focal,
        device="cpu",
        workers=1,
        wandb="disabled",
    )
    print(found.headline)
