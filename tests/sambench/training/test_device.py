"""What is set up for a run on this machine."""

import ctypes
import subprocess
import sys

import pytest

TOUCH = """
import resource
from sambench.training import device

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        bytearray(2**25)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

pages = 2**25 / resource.getpagesize()
given_back = faults()
device.keep_freed_memory()
print(given_back / pages, faults() / pages)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="this C library has none")
def test_freed_memory_is_taken_again():
    ran = subprocess.run([sys.executable, "-c", TOUCH], capture_output=True, text=True, check=True)
    given_back, kept = map(float, ran.stdout.split())
    assert given_back > 0 and kept < 1.5, "every page is had from the kernel once at most"
