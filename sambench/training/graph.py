"""Steps as CUDA graphs: the weights of the eager engine, to rounding, without its host time."""

from collections.abc import Callable

import variants
from sambench.errors import UserError


def graphed(
    optimizer: variants.SharpnessAware, losses: Callable[..., object], micro: int | None
) -> variants.Graphed:
    """(x, y) -> the losses of a step's first evaluation; UserError where there are no graphs."""
    try:
        return variants.Graphed(optimizer, losses, micro=micro)
    except ValueError as error:
        raise UserError(f"train.engine: graph: {error}; the nearest is eager") from None
