"""What Optuna calls a search space."""

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from sambench.config import Space


def distribution(space: Space) -> BaseDistribution:
    """Its values as Optuna draws them; whole numbers where both ends are whole."""
    if space.choices is not None:
        return CategoricalDistribution(space.choices)
    low, high = space.bounds
    if space.is_whole:
        return IntDistribution(int(low), int(high), log=space.log)
    return FloatDistribution(low, high, log=space.log)


def widened(space: Space, value: object) -> Space:
    """The space, as wide as it must be to hold a number; choices stay as they are."""
    if space.choices is not None or not isinstance(value, int | float):
        return space
    low, high = space.bounds
    return space.model_copy(update={"low": min(low, value), "high": max(high, value)})
