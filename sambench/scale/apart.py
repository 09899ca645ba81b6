"""A command in a process of its own, and what it took."""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

STARTER = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
spent = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, done.stdout.decode()
print(json.dumps(spent) if done.returncode == 0 else "")
sys.exit(done.returncode)
"""


class Apart(NamedTuple):
    """What a command took, and what it printed."""

    processor_s: float
    memory: int
    """at its peak, in bytes"""
    output: str


def run(command: Sequence[str]) -> Apart:
    """RuntimeError where it fails, with what it said.

    A small process starts it: the peak that Linux tells of a process begins with its parent's.
    """
    done = subprocess.run([sys.executable, "-c", STARTER, *command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}: {done.stderr}")
    return Apart(*json.loads(done.stdout))
