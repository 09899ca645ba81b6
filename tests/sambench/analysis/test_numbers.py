"""How numbers are written."""

from sambench.analysis import Estimate, numbers


def test_fractions_become_percent_and_points():
    assert numbers.accuracy(Estimate(0.951, 0.9469, 0.9551)) == "95.10 ± 0.41"
    assert numbers.accuracy(Estimate(0.951)) == "95.10"
    assert numbers.accuracy(Estimate(0.992, 0.977, 1.0)) == "99.20 [97.70, 100.00]"
    assert numbers.accuracy(Estimate(0.01, 0.0, 0.03)) == "1.00 [0.00, 3.00]"
    gain = Estimate(0.0185, -0.00001, 0.04)
    assert numbers.difference(gain) == "+1.85 [+0.00, +4.00]"
    assert numbers.difference(Estimate(0.0185)) == "+1.85"
    assert numbers.error(0.0042) == "0.42"


def test_ties_go_to_the_even_digit():
    """As text: as doubles, 1.005 lies below the tie and 0.96135 above."""
    assert [numbers.percent(x) for x in (0.96125, 0.96135, 0.01005)] == ["96.12", "96.14", "1.00"]
    assert numbers.points(-0.00005) == "+0.00" and numbers.points(0.00015) == "+0.02"
    assert numbers.accuracy(Estimate(0.9, 0.89875, 0.90125)) == "90.00 ± 0.12"


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
