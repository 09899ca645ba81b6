"""How long the leaderboard of a big study takes: of records that are made up, by its command."""

import sys
from pathlib import Path

from sambench.bench import Reporting
from sambench.scale import apart, made_up


def measure(folder: Path, rows: int) -> Reporting:
    """Of a file with about so many runs, which it writes into the folder."""
    num = made_up.write(folder / "made-up.csv", rows)
    page_s, _ = _spent(folder, "--format", "md")
    html_s, memory = _spent(folder, "--html")
    return Reporting(num, page_s, html_s, memory)


def _spent(folder: Path, *options: str) -> tuple[float, int]:
    """Processor seconds of the command, and the memory that it took at most, in bytes."""
    program = [sys.executable, "-m", "sambench", "leaderboard"]
    took = apart.run([*program, "--folder", str(folder), *options])
    return round(took.processor_s, 3), took.memory
