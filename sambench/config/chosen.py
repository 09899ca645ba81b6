"""What somebody chooses for one run instead of a search: the same domains as a study file's."""

from collections.abc import Mapping

from sambench.config import numbers
from sambench.config.arms import LONGEST
from sambench.errors import UserError


def check_choice(lr: float, length: float, hyperparameters: Mapping[str, object]) -> None:
    """UserError for what no run could use."""
    low, high = numbers.SMALLEST_RATE, numbers.LARGEST_RATE
    if not low <= lr <= high:
        rule = "must be > 0" if lr <= 0 else f"must be from {low:g} to {high:g}"
        raise UserError(f"--lr {rule}, got {lr}")
    if not 0 < length <= LONGEST:
        rule = "must be > 0" if length <= 0 else f"must be <= {LONGEST:g}"
        raise UserError(f"--length {rule}, got {length}")
    for name, value in hyperparameters.items():
        try:
            numbers.plain(value)
        except ValueError as error:
            raise UserError(f"--{name} {error}") from None
