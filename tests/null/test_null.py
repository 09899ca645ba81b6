"""Resampled studies: equal arms lose nothing to each other, a better one wins."""

import numpy as np
import pytest

from sambench.records import Record
from sambench.seeds import position
from tests.null.resample import resample
from tests.sambench.conftest import record


def pool(gains: dict[str, float]) -> list[Record]:
    """400 points of each arm; scores rise with the point's position, with noise of 1 point."""
    found = []
    for number, (label, gain) in enumerate(gains.items()):
        rng = np.random.default_rng(number)
        for i in range(400):
            quality = 0.8 + 0.1 * position(0, i, "lr") + gain
            val, test = (round(600 * (quality + rng.normal(scale=0.01))) / 600 for _ in "12")
            found.append(record(label, "pool", i, val={"accuracy": val, "loss": 1.0}))
            found.append(record(label, "confirm", i, test={"accuracy": test, "loss": 1.0}))
    return found


@pytest.mark.parametrize(("gain", "wins"), [(0.0, 0), (0.05, 50)])
def test_a_rival_wins_if_it_is_better(gain: float, wins: int):
    found = resample(pool({"plain": 0.0, "sam": gain, "asam": 0.0}), "plain", studies=50)
    assert abs(found.wins - wins) <= 3 and found.studies == 50
    assert (found.pairs > 40) == (gain > 0)
