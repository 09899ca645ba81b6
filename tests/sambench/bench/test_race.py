"""Turns, rounds and counting, on a clock of our own: no test measures time."""

from itertools import count

import pytest
import torch

from sambench.bench.competitors import Competitor
from sambench.bench.race import Rhythm, race

CPU = torch.device("cpu")


class Clock:
    """Stands still except while a competitor runs."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def __call__(self) -> float:
        return self.now

    def competitor(self, name: str, seconds: float, passes: int, steps: int = 1) -> Competitor:
        done = count(1)
        latest = [0]

        def run() -> None:
            self.calls.append(name)
            self.now += seconds
            latest[0] = next(done)

        return Competitor(name, run, lambda: passes * latest[0], steps)


def test_all_take_one_turn_before_anyone_takes_the_next():
    clock = Clock()
    found = [clock.competitor(name, 1.0, 1) for name in "abcd"]
    race(found, rounds=3, rhythm=Rhythm(turns=2, calls=2), device=CPU, clock=clock)
    turns = [clock.calls[i : i + 8] for i in range(0, len(clock.calls), 8)]
    assert len(turns) == (3 + 1) * 2  # one round warms up
    for turn in turns:
        assert turn[::2] == turn[1::2] and sorted(turn[::2]) == list("abcd")
    assert len({tuple(turn) for turn in turns}) > 1  # in ever another order


def test_seconds_and_passes_are_those_of_a_step():
    clock = Clock()
    found = [clock.competitor("step", 2.0, 3), clock.competitor("epoch", 10.0, 5, steps=5)]
    timed = race(found, rounds=4, rhythm=Rhythm(turns=3, calls=1), device=CPU, clock=clock)
    assert [t.seconds for t in timed] == [(2.0,) * 4, (2.0,) * 4]
    assert [t.passes for t in timed] == [3.0, 1.0]


def test_the_warm_up_is_not_timed():
    clock = Clock()
    seconds = iter([100.0, 1.0, 2.0])

    def run() -> None:
        clock.now += next(seconds)

    (timed,) = race(
        [Competitor("a", run, lambda: 0.0)],
        rounds=2, rhythm=Rhythm(1, 1), device=CPU, clock=clock,
    )  # fmt: skip
    assert timed.seconds == pytest.approx((1.0, 2.0))
