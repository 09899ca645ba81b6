"""How long the leaderboard of a big study takes: of records that are made up, by its command."""

import os
import subprocess
import sys
from pathlib import Path

from sambench.bench import Reporting
from sambench.scale import made_up


def measure(folder: Path, rows: int) -> Reporting:
    """Of a file with about so many runs, which it writes into the folder."""
    num = made_up.write(folder / "made-up.csv", rows)
    page_s, _ = _spent(folder, "--format", "md")
    html_s, memory = _spent(folder, "--html")
    return Reporting(num, page_s, html_s, memory)


def _spent(folder: Path, *options: str) -> tuple[float, int]:
    """Processor seconds of the command, and the memory that it took at most, in bytes."""
    command = [sys.executable, "-m", "sambench", "leaderboard", "--folder", str(folder), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {process.returncode}")
    return round(used.ru_utime + used.ru_stime, 3), used.ru_maxrss * 1024
