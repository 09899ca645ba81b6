"""How numbers are written."""

from sambench.report import numbers
from sambench.stats import Difference, Interval


def test_fractions_become_percent_and_points():
    assert numbers.accuracy(Interval(0.951, 0.9469, 0.9551, 10)) == "95.10 ± 0.41"
    assert numbers.accuracy(Interval(0.951, None, None, 1)) == "95.10"
    gain = Difference(0.0185, -0.00001, 0.04, 10, 0.1, 0.02)
    assert numbers.difference(gain) == "+1.85 [+0.00, +4.00]"
    assert numbers.error(0.0042) == "0.42"


def test_p_values():
    written = [numbers.p_value(p) for p in (0.0009, 0.001, 0.0234, 1.0)]
    assert written == ["<0.001", "0.001", "0.023", "1.000"]


def test_settings_counts_and_ratios():
    assert numbers.setting(0.031622776601683795) == "0.0316"
    assert numbers.count(156400.0) == "156,400"
    assert numbers.ratio(1.966) == "1.97x"


def test_nothing_is_a_dash():
    writers = (numbers.accuracy, numbers.difference, numbers.error, numbers.p_value)
    assert {write(None) for write in (*writers, numbers.setting, numbers.count)} == {"-"}


def test_listing():
    assert [numbers.listing(list(words)) for words in ("a", "ab", "abc")] == [
        "a",
        "a and b",
        "a, b and c",
    ]
