"""How long the leaderboard of a big study takes: of records that are made up, by its command."""

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


SPENT = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)
sys.exit(done.returncode)
"""


def _spent(folder: Path, *options: str) -> tuple[float, int]:
    """Processor seconds of the command, and the memory that it took at most, in bytes.

    A small process starts it: the peak that Linux tells of a process begins with its parent's.
    """
    command = [sys.executable, "-m", "sambench", "leaderboard", "--folder", str(folder), *options]
    done = subprocess.run([sys.executable, "-c", SPENT, *command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}: {done.stderr}")
    seconds, memory = done.stdout.split()
    return round(float(seconds), 3), int(memory)
