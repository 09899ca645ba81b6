"""Networks that read rows."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from sambench.config import Table

if TYPE_CHECKING:
    from torch import nn


class MLP(Table):
    """Linear layers with ReLU between them."""

    width: Annotated[int, Field(ge=1, le=65536)] = 128
    depth: Annotated[int, Field(ge=0, le=100)] = 2
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0

    def build(self, features: int, outputs: int) -> "nn.Module":
        from torch import nn

        layers: list[nn.Module] = []
        for _ in range(self.depth):
            layers += [nn.Linear(features, self.width), nn.ReLU()]
            layers += [nn.Dropout(self.dropout)] if self.dropout else []
            features = self.width
        return nn.Sequential(*layers, nn.Linear(features, outputs))
