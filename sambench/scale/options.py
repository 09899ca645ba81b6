"""What to measure of studies as they grow."""

from collections.abc import Callable
from dataclasses import dataclass

STORED = (10, 1_000, 10_000)
ROWS = (100_000, 1_000_000)
ROUNDS = 5


@dataclass(frozen=True)
class Options:
    """What to measure."""

    databases: tuple[str, ...] = ()
    """URLs, beside the journal and sqlite"""
    stored: tuple[int, ...] = STORED
    """trials in a storage, and finished runs in a folder"""
    rows: tuple[int, ...] = ROWS
    """runs of a leaderboard"""
    rounds: int = ROUNDS
    progress: Callable[[str], object] = lambda stage: None
