"""Who beats whom, who is not separated, and what to use."""

from math import sqrt

import pytest
from scipy import stats as scipy

from sambench.stats import claims
from sambench.stats.claims import Contrast, Recommendation
from sambench.stats.tuned import Tuned


def arm(score: float, *influence: float) -> Tuned:
    return Tuned(score, dict(enumerate(influence)))


def test_a_contrast_is_a_t_test():
    a, b = arm(0.9, 0.03, -0.01, -0.02), arm(0.88, 0.01, 0.01, -0.02)
    found = claims.contrast(a, b, searches=5)
    assert found.difference == pytest.approx(0.02)
    assert found.error == pytest.approx(sqrt(0.02**2 + 0.02**2))
    assert found.freedom == 9
    t = found.difference / found.error
    assert found.p == pytest.approx(2 * scipy.t.sf(t, 9), rel=1e-12)
    assert found.p_above == pytest.approx(scipy.t.sf(t, 9), rel=1e-12)
    assert claims.contrast(b, a, 5).p_above == pytest.approx(scipy.t.cdf(t, 9), rel=1e-12)
    assert found.interval == pytest.approx(scipy.t.interval(0.95, 9, 0.02, found.error))


def test_what_does_not_vary_is_a_tie():
    assert Contrast(0.3, 0.0, 9).p == Contrast(0.3, 0.0, 9).p_above == 1.0


def test_a_rival_must_beat_every_baseline():
    """Holm over the two rivals; each by its hardest baseline."""
    arms = {
        "short": arm(0.86, 0.01, 0.0),
        "long": arm(0.88, 0.0, 0.01),
        "good": arm(0.91, 0.0, 0.0),
        "mixed": arm(0.87, 0.0, 0.0),
    }
    found = claims.beats(arms, ["short", "long"], searches=5)
    good, mixed = (scipy.t.sf(d / 0.01, 9) for d in (0.03, -0.01))
    assert found == {"good": pytest.approx(2 * good), "mixed": pytest.approx(mixed)}


def test_groups_share_a_letter_unless_separated():
    arms = {"a": arm(0.8, 0.01), "b": arm(0.95, 0.0, 0.01), "c": arm(0.94, 0.0, 0.0, 0.01)}
    assert claims.groups(arms, searches=5) == {"b": "a", "c": "a", "a": "b"}
    assert claims.groups({"a": arm(0.5), "b": arm(0.9)}, searches=5) == {"b": "a", "a": "a"}


def test_an_extension_separates_less():
    """Two arms whose p is 0.03: apart at 0.05, not at half of it."""
    t = float(scipy.t.isf(0.015, 9))
    arms = {"a": arm(0.9, 0.01), "b": arm(0.9 - 0.01 * t, 0.0)}
    assert claims.groups(arms, 5) == {"a": "a", "b": "b"}
    assert claims.groups(arms, 5, alpha=0.025) == {"a": "a", "b": "a"}
    assert claims.detectable(0.01, 5, 1, alpha=0.025) > claims.detectable(0.01, 5, 1)
    costs = {"a": 2.0, "b": 1.0}
    margin = 0.01 * t + 0.01 * float(scipy.t.ppf(0.98, 9))  # between the levels of 5% and 2%
    assert claims.recommend(arms, costs, 5, margin).label == "b"
    assert claims.recommend(arms, costs, 5, margin, alpha=0.02).label == "a"


def test_the_detectable_difference():
    t = scipy.t(9).ppf
    found = claims.detectable(0.01, searches=5, variants=8)
    assert found == pytest.approx(0.01 * (t(1 - 0.025 / 8) + t(0.8)))


COSTS = {"cheap": 1.0, "dear": 2.0}


def test_the_cheapest_within_the_margin_is_recommended():
    arms = {"dear": arm(0.9, 0.001), "cheap": arm(0.895, 0.0, 0.001)}
    assert claims.recommend(arms, COSTS, 5, margin=0.01) == Recommendation("cheap", None)
    assert claims.recommend(arms, COSTS, 5, margin=0.005) == Recommendation("dear", None)


def test_equally_cheap_ones_go_by_their_score():
    arms = {"a": arm(0.895, 0.0), "b": arm(0.9, 0.0)}
    assert claims.recommend(arms, {"a": 1.0, "b": 1.0}, 5, margin=0.01).label == "b"


def test_undecided_says_how_many_searches_would_tell():
    arms = {"dear": arm(0.9, 0.01), "cheap": arm(0.895, 0.0, 0.01)}
    found = claims.recommend(arms, COSTS, 5, margin=0.01)
    assert found.label is None
    assert found.searches is not None
    error = sqrt(2) * 0.01

    def lead(size: int) -> float:
        """Of the cheap one over the dear one, at most."""
        return -0.005 + float(scipy.t.ppf(0.975, 2 * size - 1)) * error * sqrt(5 / size)

    assert lead(found.searches) <= 0.01 < lead(found.searches - 1)
    equal = {"dear": arm(0.9, 0.01), "cheap": arm(0.9, 0.0, 0.01)}
    assert claims.recommend(equal, COSTS, 5, margin=0.0) == Recommendation(None, None)


def test_searches_that_separate_a_pair():
    found = claims.searches_to_separate(0.01, searches=5, difference=0.01)
    assert found is not None

    def needed(size: int) -> float:
        t = scipy.t(2 * size - 1).ppf
        return (t(0.975) + t(0.8)) * 0.01 * sqrt(5 / size)

    assert needed(found) <= 0.01 < needed(found - 1)
    assert claims.searches_to_separate(0.0, 5, 0.01) == 2
    assert claims.searches_to_separate(1.0, 5, 0.001) is None
