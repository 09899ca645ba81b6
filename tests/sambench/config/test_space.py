"""Where a position of the pool falls in a range or among choices."""

import math
from collections import Counter
from fractions import Fraction

import pytest

from sambench.config import Space

LAST = math.nextafter(1, 0)
GRID = [(i + 0.5) / 1000 for i in range(1000)]

REALS = Space(low=0.5, high=2.0)
LOGS = Space(low=0.001, high=1.0, log=True)
WHOLE = Space(low=2, high=5)
WHOLE_LOGS = Space(low=1, high=16, log=True)


def shares(space: Space) -> dict[object, float]:
    """Of evenly spread positions: how often each value comes."""
    positions = [(i + 0.5) / 100_000 for i in range(100_000)]
    return {value: n / 1e5 for value, n in Counter(map(space.at, positions)).items()}


@pytest.mark.parametrize("space", [REALS, LOGS, WHOLE, WHOLE_LOGS])
def test_both_ends_are_included_and_nothing_lies_beyond(space: Space) -> None:
    assert (space.at(0), space.at(LAST)) == space.bounds
    low, high = space.bounds
    found = [space.at(u) for u in GRID]
    assert found == sorted(found)  # pyright: ignore[reportArgumentType]
    assert low <= found[0] and found[-1] <= high  # pyright: ignore[reportOperatorIssue]


def test_a_range_is_uniform_in_its_scale() -> None:
    """Against the definition: u quantiles of log10 between -3 and 0, and of 0.5 to 2."""
    for u in GRID:
        assert REALS.at(u) == pytest.approx(0.5 + 1.5 * u, rel=1e-5)
        assert math.log10(float(LOGS.at(u))) == pytest.approx(3 * u - 3, abs=1e-5)


def test_whole_numbers_are_whole_and_equally_likely() -> None:
    found = shares(WHOLE)
    assert {type(value) for value in found} == {int}
    assert found == pytest.approx({2: 0.25, 3: 0.25, 4: 0.25, 5: 0.25}, abs=1e-4)


def test_whole_numbers_on_a_log_scale_take_the_room_that_they_have_there() -> None:
    """k takes the logarithms from k - 1/2 to k + 1/2, ends as well."""
    room = {k: math.log((k + 0.5) / (k - 0.5)) / math.log(33) for k in range(1, 17)}
    assert shares(WHOLE_LOGS) == pytest.approx(room, abs=1e-4)


@pytest.mark.parametrize("choices", [(0.5, "a", True), (7,), tuple(range(9))])
def test_choices_are_equally_likely_and_the_last_position_has_one(choices: tuple) -> None:
    space = Space(choices=choices)
    expected = dict.fromkeys(choices, 1 / len(choices))
    assert shares(space) == pytest.approx(expected, abs=1e-4)
    assert (space.at(0), space.at(LAST)) == (choices[0], choices[-1])


def test_values_have_six_digits_so_that_a_processor_s_last_digit_changes_none() -> None:
    """Against exact arithmetic; exp and log of another library differ in the 16th digit."""
    for space in (REALS, LOGS, Space(low=0.0123456789, high=0.987654321, log=True)):
        for u in GRID:
            assert len(f"{Fraction(repr(space.at(u))).numerator}".strip("0")) <= 6
    assert LOGS.at(0.5) == 0.0316228
    assert Space(low=0.01, high=0.5, log=True).at(0.25) == 0.0265915


@pytest.mark.parametrize("space", [REALS, LOGS, WHOLE, WHOLE_LOGS])
def test_the_place_of_a_value_is_where_it_came_from(space: Space) -> None:
    for u in GRID:
        value = space.at(u)
        assert space.at(min(space.place(value), LAST)) == value
        if not space.is_whole:
            assert space.place(value) == pytest.approx(u, abs=1e-5)
    middles = [WHOLE.place(k) for k in (2, 3, 4, 5)]
    assert middles == pytest.approx([1 / 8, 3 / 8, 5 / 8, 7 / 8])
