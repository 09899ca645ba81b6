"""A part of the batch as an oracle of its own."""

from collections.abc import Mapping

from torch import Tensor

from variants._protocol import Evaluation, Oracle, Tree


class Rows:
    """`oracle`, with `rows` of its batch for the whole batch. See `variants._protocol.Oracle`."""

    def __init__(self, oracle: Oracle, rows: Tensor) -> None:
        self._oracle = oracle
        self._rows = rows

    @property
    def step(self) -> int:
        return self._oracle.step

    @property
    def total_steps(self) -> int:
        return self._oracle.total_steps

    @property
    def size(self) -> int:
        return len(self._rows)

    @property
    def params(self) -> Tree:
        return self._oracle.params

    @property
    def kinds(self) -> Mapping[str, str]:
        return self._oracle.kinds

    @property
    def momentum(self) -> Tree:
        return self._oracle.momentum

    def grad(self, at: Tree | None = None, rows: Tensor | None = None) -> Evaluation:
        return self._oracle.grad(at=at, rows=self._select(rows))

    def loss(self, at: Tree | None = None, rows: Tensor | None = None) -> Tensor:
        return self._oracle.loss(at=at, rows=self._select(rows))

    def preview(self, grads: Tree) -> Tree:
        return self._oracle.preview(grads)

    def normal(self, like: Tree) -> Tree:
        return self._oracle.normal(like)

    def uniform(self, like: Tree) -> Tree:
        return self._oracle.uniform(like)

    def decide(self, flag: Tensor) -> bool:
        return self._oracle.decide(flag)

    def _select(self, rows: Tensor | None) -> Tensor:
        return self._rows if rows is None else self._rows[rows]
