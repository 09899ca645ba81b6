"""A training loop of one's own, once with SGD and once with SAM."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

import variants

x, y = (torch.as_tensor(part) for part in load_digits(return_X_y=True))
x = x.float() / 16
(train_x, test_x), (train_y, test_y) = x.split([1200, 597]), y.split([1200, 597])


def train(variant: variants.Variant, *, epochs: int = 10, batch_size: int = 64) -> float:
    """Accuracy on the test set."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    base = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    optimizer = variants.SharpnessAware(base, variant, model)
    steps = epochs * -(-len(train_x) // batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    for _ in range(epochs):
        for batch in torch.randperm(len(train_x)).split(batch_size):

            def losses(rows, batch=batch):
                """Of each image: some variants ask for the losses of a part of the batch."""
                chosen = batch[rows]
                return cross_entropy(model(train_x[chosen]), train_y[chosen], reduction="none")

            optimizer.step(losses)
            schedule.step()
    with torch.no_grad():
        return (model(test_x).argmax(1) == test_y).float().mean().item()


for variant in (variants.create("plain"), variants.create("sam", rho=0.1)):
    print(f"{variant}: {train(variant):.1%}")
