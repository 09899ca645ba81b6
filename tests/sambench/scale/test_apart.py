"""What a command in a process of its own took."""

import sys

import pytest

from sambench.scale import apart

LARGE = "held = bytearray(200_000_000); print('there')"


def test_of_a_command_alone():
    held = bytearray(300_000_000)
    took = apart.run([sys.executable, "-c", LARGE])
    assert took.output == "there\n" and took.processor_s > 0
    assert 200_000_000 < took.memory < 300_000_000 <= len(held)


def test_what_fails_says_why():
    with pytest.raises(RuntimeError, match=r"exited with 1: .*no such thing"):
        apart.run([sys.executable, "-c", "raise SystemExit('no such thing')"])
