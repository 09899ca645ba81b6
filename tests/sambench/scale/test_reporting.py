"""What the command takes is its own, whatever the benchmark beside it holds."""

from pathlib import Path

import numpy as np

from sambench.scale import reporting


def test_memory_is_that_of_the_command(tmp_path: Path):
    held = np.ones(250_000_000)
    found = reporting.measure(tmp_path, 1000)
    assert found.rows >= 1000
    assert 2**26 < found.memory_bytes < held.nbytes
