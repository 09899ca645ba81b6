"""What makes other packages' networks read rows of numbers and answer as a task's model does."""

from math import log

from torch import Tensor, nn


class Numbers(nn.Module):
    """A network of numbers and categories, of which the rows have no categories."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x, None)


class Members(nn.Module):
    """k networks in one, each of which learns by itself; what counts is what they say together."""

    def __init__(self, model: nn.Module, *, are_classes: bool) -> None:
        super().__init__()
        self.model, self.are_classes = model, are_classes

    def forward(self, x: Tensor) -> Tensor:
        """(b, k, outputs) in training; else (b, outputs): the logarithm of the members' mean
        probability of each class, or the mean of their numbers."""
        outputs: Tensor = self.model(x)
        if self.training:
            return outputs
        if not self.are_classes:
            return outputs.mean(1)
        return outputs.log_softmax(2).logsumexp(1) - log(outputs.shape[1])
