"""Streams and positions by hash: nothing is drawn twice, and nothing depends on who else runs."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sambench.seeds import STREAMS, Seeds, derive, position

PROGRAM = """
from sambench.seeds import derive, position
print(derive(7, "confirm", 3, 1).streams, position(7, 3, "lr"))
"""


def values(seeds: Seeds) -> set[int]:
    return set(seeds.streams.values())


def test_streams_are_known_numbers() -> None:
    """First 32 and 53 of 64 bits of BLAKE2b of "0/point/3/split" and the like.

    A change of these would make other runs of every study.
    """
    assert derive(0, "point", 3) == Seeds(
        split=2688663076, labels=2410880841, init=529998507, order=4259390192
    )
    assert derive(0, "point", 3).columns() == {
        "seed_split": 2688663076,
        "seed_labels": 2410880841,
        "seed_init": 529998507,
        "seed_order": 4259390192,
    }
    assert position(0, 3, "lr") == 0.6670117703487813


def test_no_point_is_a_confirm_seed_and_no_two_runs_share_a_stream() -> None:
    """Nor the streams of one run with each other: 1,000 points, 20 reruns of 100 of them."""
    runs = [("point", i) for i in range(1000)]
    runs += [("confirm", i, j) for i in range(100) for j in range(20)]
    runs += [("setting", j) for j in range(20)] + [("trial", i) for i in range(100)]
    found = [value for run in runs for value in derive(0, *run).streams.values()]
    chance = len(found) ** 2 / 2 / 2**32  # of any two of so many numbers of 32 bits
    assert len(found) - len(set(found)) <= 1 and chance < 0.1


@pytest.mark.parametrize("other", [1, 20, 1000, 20000, 2**53])
def test_studies_with_other_seeds_share_no_stream_and_no_position(other: int) -> None:
    """Counted seeds would: point 20 of study 0 was point 0 of study 20."""
    points = range(200)
    one, two = ({v for i in points for v in values(derive(s, "point", i))} for s in (0, other))
    assert not one & two
    one, two = ({position(s, i, "lr") for i in points} for s in (0, other))
    assert not one & two


def test_names_do_not_run_into_each_other() -> None:
    assert derive(1, "point", 23) != derive(12, "point", 3)
    assert derive(0, "confirm", 1, 11) != derive(0, "confirm", 11, 1)


def test_positions_are_uniform_and_independent_between_axes_and_points() -> None:
    axes = {axis: [position(0, i, axis) for i in range(4000)] for axis in ("lr", "radius", "k")}
    for found in axes.values():
        assert min(found) >= 0 and max(found) < 1
        counts = np.histogram(found, bins=20, range=(0, 1))[0]
        chi2 = ((counts - 200) ** 2 / 200).sum()
        assert chi2 < 43.8  # 19 degrees of freedom, p = 0.001
        assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 0.05
    for one, two in itertools.combinations(axes.values(), 2):
        assert abs(np.corrcoef(one, two)[0, 1]) < 0.05


def test_streams_look_independent() -> None:
    found = np.array([[*derive(0, "point", i).streams.values()] for i in range(4000)]) / 2**32
    correlations = np.corrcoef(found.T) - np.eye(len(STREAMS))
    assert np.abs(correlations).max() < 0.05
    assert np.abs(found.mean(axis=0) - 0.5).max() < 0.02


def test_they_are_the_same_in_every_process() -> None:
    """`hash` of Python is not."""
    command = [sys.executable, "-c", PROGRAM]
    root = Path(__file__).parents[2]
    told = {
        subprocess.run(
            command, env={"PYTHONHASHSEED": seed}, cwd=root, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1")
    }
    assert len(told) == 1
    assert told.pop().decode().strip() == (
        f"{derive(7, 'confirm', 3, 1).streams} {position(7, 3, 'lr')}"
    )
