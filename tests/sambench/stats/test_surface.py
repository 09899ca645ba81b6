"""A surface finds a hill through noise, and says how noisy its scores are."""

import numpy as np
import pytest

from sambench.stats import surface


def hill(x: np.ndarray) -> np.ndarray:
    return 0.9 - 0.4 * (x[:, 0] - 0.6) ** 2 - 0.2 * (x[:, 1] - 0.3) ** 2


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.random((60, 2))
    return x, hill(x) + 0.01 * rng.normal(size=60)


def test_it_is_highest_near_the_top(drawn: tuple[np.ndarray, np.ndarray]):
    found = surface.fit(*drawn)
    assert found is not None
    places = surface.places(2)
    heights, errors = found(places)
    assert places[heights.argmax()] == pytest.approx([0.6, 0.3], abs=0.12)
    assert heights.max() == pytest.approx(0.9, abs=0.01)
    assert found.noise == pytest.approx(0.01, rel=0.5) and (errors >= 0).all()
    assert np.median(errors) < found.noise


def test_diverged_runs_and_bad_ones_count_as_the_median(drawn: tuple[np.ndarray, np.ndarray]):
    x, scores = drawn
    worst = scores < np.quantile(scores, 0.3)
    lost, bad = np.where(worst, np.nan, scores), np.where(worst, 0.1, scores)
    places = surface.places(2)
    for changed in (lost, bad):
        found = surface.fit(x, changed)
        assert found is not None
        heights, _ = found(places)
        assert places[heights.argmax()] == pytest.approx([0.6, 0.3], abs=0.2)
        assert heights.min() > 0.7


def test_too_few_or_equal_scores_have_none():
    x = np.random.default_rng(1).random((10, 2))
    assert surface.fit(x, np.full(10, 0.5)) is None
    assert surface.fit(x[:3], np.array([0.1, 0.2, 0.3])) is None
    assert surface.fit(x, np.array([0.1, 0.2, 0.3, *[np.nan] * 7])) is None
    assert surface.fit(x[:, :0], np.linspace(0, 1, 10)) is None


def test_places_fill_the_square_and_lie_on_its_ends():
    found = surface.places(2)
    assert found.min() == 0 and found.max() == 1
    assert np.histogram2d(*found.T, bins=8)[0].min() > 0.5 * len(found) / 64
