"""A training script of one's own, and whether SAM is worth it there."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

import sambench

digits = load_digits()
x = torch.as_tensor(digits.data / 16).float()
y = torch.as_tensor(digits.target)


def train(optimizer, seed, epochs=6):
    train, test = torch.randperm(len(x)).split([1200, 597])
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    sgd = optimizer(torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), model)
    for _ in range(epochs):
        for rows in train[torch.randperm(len(train))].split(64):
            sgd.step(lambda: cross_entropy(model(x[rows]), y[rows]))
    return (model(x[test]).argmax(1) == y[test]).float().mean()


if __name__ == "__main__":
    print(sambench.compare(train, ["sam", "asam"], wandb="disabled").headline)
