"""A part of the batch as an oracle of its own, and a rule on every part by itself."""

from collections.abc import Iterable, Mapping

from torch import Tensor

from variants.core import ops
from variants.core.protocol import Evaluation, Oracle, State, Tree, Update, Variant, works_after


class RowsOracle:
    """`oracle`, with `rows` of its batch for the whole batch. See `core.protocol.Oracle`."""

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
    def fewest(self) -> int:
        return self._oracle.fewest

    @property
    def params(self) -> Tree:
        return self._oracle.params

    @property
    def kinds(self) -> Mapping[str, str]:
        return self._oracle.kinds

    @property
    def momentum(self) -> Tree:
        return self._oracle.momentum

    def grad(
        self, at: Tree | None = None, rows: Tensor | None = None, *, perturbs: bool = True
    ) -> Evaluation:
        return self._oracle.grad(at=at, rows=self._select(rows), perturbs=perturbs)

    def loss(self, at: Tree | None = None, rows: Tensor | None = None) -> Tensor:
        return self._oracle.loss(at=at, rows=self._select(rows))

    def preview(self, grads: Tree) -> Tree:
        return self._oracle.preview(grads)

    def normal(self, like: Tree) -> Tree:
        return self._oracle.normal(like)

    def uniform(self, like: Tree) -> Tree:
        return self._oracle.uniform(like)

    def average(self, value: Tensor) -> Tensor:
        return self._oracle.average(value)

    def decide(self, flag: Tensor) -> bool:
        return self._oracle.decide(flag)

    def _select(self, rows: Tensor | None) -> Tensor:
        return self._rows if rows is None else self._rows[rows]


def highest(oracle: Oracle, scores: Tensor, k: int) -> Tensor:
    """The k rows of highest score, or as many as the model can train on, if there are so many."""
    return scores.topk(min(max(k, oracle.fewest), scores.numel())).indices


def average(
    variant: Variant, parts: Iterable[RowsOracle], size: int, state: State
) -> tuple[Update, State]:
    """The rule on each part of `size` rows, and the mean of its directions: m-sharpness.

    The state goes from one part to the next.
    """
    total: Update | None = None
    for part in parts:
        update, state = variant.direction(part, state)
        scaled = [tree and ops.scale(tree, part.size / size) for tree in update]
        if total is not None:
            scaled = [a and b and ops.add_(a, b) for a, b in zip(total, scaled, strict=True)]
        total = Update(scaled[0] or {}, scaled[1])
    if total is None:
        raise ValueError("an empty batch has no direction")
    return total, state


def refuse_mode(variant: Variant, accumulation: str) -> None:
    """ValueError unless `variant` can do this kind of accumulation."""
    if accumulation not in ("exact", "m"):
        raise ValueError(f"accumulation must be 'exact' or 'm', got {accumulation!r}")
    if accumulation == "m":
        refuse(variant, "a variant on micro-batches")


def refuse(variant: Variant, what: str) -> None:
    """ValueError for a variant that works after the step too: parts have no such thing."""
    if works_after(variant):
        raise ValueError(
            f"{what} must do all its work before the step, got {type(variant).__name__}"
        )
