"""A small transformer that reads a few numbers and answers with one."""

import torch
from torch import Tensor, nn


class Transformer(nn.Module):
    """Pre-norm blocks over the numbers and a last token, at which the answer is read."""

    def __init__(self, numbers: int, classes: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, width)
        self.asking = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, numbers + 1, width))
        blocks = (
            nn.TransformerEncoderLayer(
                width, heads, 4 * width, dropout=0.0, batch_first=True, norm_first=True
            )
            for _ in range(depth)
        )
        self.blocks = nn.Sequential(*blocks, nn.LayerNorm(width))
        self.answer = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(b, numbers) int64 -> (b, classes)."""
        asking = self.asking.expand(len(x), -1, -1)
        tokens = torch.cat([self.embedding(x), asking], dim=1) + self.positions
        return self.answer(self.blocks(tokens)[:, -1])
