"""How numbers are written."""

import pytest

from sambench.analysis import Estimate, numbers
from sambench.scores import ACCURACY, LOSS, R2, RMSE, Score


def test_fractions_become_percent_and_points():
    assert numbers.estimate(Estimate(0.951, 0.9469, 0.9551), ACCURACY) == "95.10 ± 0.41"
    assert numbers.estimate(Estimate(0.951), ACCURACY) == "95.10"
    assert numbers.estimate(Estimate(0.992, 0.977, 1.0), ACCURACY) == "99.20 [97.70, 100.00]"
    assert numbers.estimate(Estimate(0.01, 0.0, 0.03), ACCURACY) == "1.00 [0.00, 3.00]"
    gain = Estimate(0.0185, -0.00001, 0.04)
    assert numbers.difference(gain, ACCURACY) == "+1.85 [+0.00, +4.00]"
    assert numbers.difference(Estimate(0.0185), ACCURACY) == "+1.85"
    assert numbers.score(0.0042, ACCURACY) == "0.42"


def test_ties_go_to_the_even_digit():
    """As text: as doubles, 1.005 lies below the tie and 0.96135 above."""
    assert [numbers.percent(x) for x in (0.96125, 0.96135, 0.01005)] == ["96.12", "96.14", "1.00"]
    assert numbers.points(-0.00005) == "+0.00" and numbers.points(0.00015) == "+0.02"
    assert numbers.estimate(Estimate(0.9, 0.89875, 0.90125), ACCURACY) == "90.00 ± 0.12"


def test_p_values():
    written = [numbers.p_value(p) for p in (0.0009, 0.001, 0.0234, 1.0)]
    assert written == ["<0.001", "0.001", "0.023", "1.000"]


def test_settings_counts_and_ratios():
    assert numbers.setting(0.031622776601683795) == "0.0316"
    assert numbers.count(156400.0) == "156,400"
    assert numbers.ratio(1.966) == "1.97x"


def test_nothing_is_a_dash():
    writers = (numbers.p_value, numbers.setting, numbers.count)
    assert {write(None) for write in writers} == {"-"}
    assert {write(None, ACCURACY) for write in (numbers.estimate, numbers.difference)} == {"-"}


GAIN, LOSS_OF = Estimate(0.0185, -0.01, 0.047), Estimate(-0.0185, -0.047, 0.01)
ERRORS = Score(name="error_rate", unit="share", direction="minimize")


@pytest.mark.parametrize(
    ("score", "typical", "value", "shown", "lead"),
    [
        (ACCURACY, 0.9, 0.951, "95.10", "+1.85 points [-1.00, +4.70]"),
        (R2, 0.4, -0.5, "-50.00", "+1.85 points [-1.00, +4.70]"),
        (ERRORS, 0.1, 0.1, "10.00", "higher by 1.85 points [-1.00, 4.70]"),
        (LOSS, 0.4321, 0.43219, "0.4322", "higher by 0.0185 [-0.0100, 0.0470]"),
        (RMSE, 54.3, 60.0, "60.00", "higher by 0.02 [-0.01, 0.05]"),
        (RMSE, 12345.6, 9876.5, "9876", "higher by 0 [-0, 0]"),
    ],
)
def test_digits_fit_the_unit(score: Score, typical: float, value: float, shown: str, lead: str):
    fitted = score.fitted([typical, typical, float("nan")])
    assert numbers.score(value, fitted) == shown
    assert numbers.told(value, fitted) == shown + "%" * score.in_percent
    assert numbers.lead(GAIN, fitted) == lead.replace("-0,", "0,")
    if score is LOSS:
        assert numbers.lead(LOSS_OF, fitted) == "lower by 0.0185 [-0.0100, 0.0470]"
        assert numbers.estimate(Estimate(0.5, 0.4, 0.6), fitted) == "0.5000 ± 0.1000"


def test_a_score_that_nobody_fitted_has_four_digits():
    assert [numbers.score(x, LOSS) for x in (0.012345, 12.345, 0.0)] == ["0.01234", "12.34", "0"]


def test_listing():
    assert [numbers.listing(list(words)) for words in ("a", "ab", "abc")] == [
        "a",
        "a and b",
        "a, b and c",
    ]
