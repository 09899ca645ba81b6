"""How many standard errors hold a whole curve."""

import numpy as np
import pytest
from scipy import stats as scipy

from sambench.stats import bands


def test_one_estimate_has_its_own_t():
    found = bands.width([{0: 0.3, 4: -0.1}], freedom=9, seed=0)
    assert found == pytest.approx(scipy.t.ppf(0.975, 9), rel=0.03)


def test_copies_and_multiples_of_an_estimate_widen_nothing():
    one = {0: 0.3, 1: 0.2}
    multiples = [one, {i: -2 * u for i, u in one.items()}, one]
    assert bands.width(multiples, 9, 0) == pytest.approx(bands.width([one], 9, 0))


def test_independent_estimates_widen_it():
    """Towards the studentised maximum modulus; of 8 and 20 degrees of freedom it is 3.02."""
    members = [{i: 0.1} for i in range(8)]
    assert bands.width(members, 20, 0) == pytest.approx(3.02, rel=0.03)


def test_what_does_not_vary_is_left_out():
    assert bands.width([{0: 0.0}, {1: 0.0}], 9, 0) == 0.0
    with_it = bands.width([{0: 0.0}, {1: 0.5}], 9, 0)
    assert with_it == pytest.approx(scipy.t.ppf(0.975, 9), rel=0.03)


def test_it_covers():
    """Whole curves of five correlated points, from normal errors with an estimated scale."""
    rng, freedom, n = np.random.default_rng(1), 9, 40
    loads = np.cumsum(rng.normal(size=(n, 5)), axis=1)
    members = [dict(enumerate(column)) for column in loads.T.tolist()]
    c = bands.width(members, freedom, 0)
    errors = rng.normal(size=(4000, n)) @ loads / np.sqrt((loads**2).sum(axis=0))
    scale = np.sqrt(rng.chisquare(freedom, size=(4000, 1)) / freedom)
    assert (np.abs(errors) / scale <= c).all(axis=1).mean() == pytest.approx(0.95, abs=0.01)


def test_a_difference_of_estimates():
    assert bands.difference({0: 0.3, 1: 0.1}, {1: 0.1, 2: 0.2}) == {0: 0.3, 1: 0.0, 2: -0.2}
