"""What somebody chooses for one run instead of a search: the same domains as a study file's."""

from collections.abc import Mapping

from sambench.config import numbers
from sambench.errors import UserError

LONGEST = 1000  # times the study's own schedule


def check_choice(lr: float, epochs_factor: float, hyperparameters: Mapping[str, object]) -> None:
    """UserError for what no run could use."""
    low, high = numbers.SMALLEST_RATE, numbers.LARGEST_RATE
    if not low <= lr <= high:
        rule = "must be > 0" if lr <= 0 else f"must be from {low:g} to {high:g}"
        raise UserError(f"--lr {rule}, got {lr}")
    if not 0 < epochs_factor <= LONGEST:
        rule = "must be > 0" if epochs_factor <= 0 else f"must be <= {LONGEST}"
        raise UserError(f"--epochs-factor {rule}, got {epochs_factor}")
    for name, value in hyperparameters.items():
        try:
            numbers.plain(value)
        except ValueError as error:
            raise UserError(f"--{name} {error}") from None
