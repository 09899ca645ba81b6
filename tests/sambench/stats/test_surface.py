"""A surface through noisy scores finds the optimum of made-up ones, and says how noisy they are."""

from collections.abc import Callable

import numpy as np
import pytest

from sambench.stats import surface

Truth = Callable[[np.ndarray], np.ndarray]


def bump(*at: float, width: float = 0.5) -> Truth:
    """Highest at a place, 0.9, and lower by 10 points in a distance of `width`."""
    return lambda x: 0.9 - 0.1 * (((x - np.array(at)) / width) ** 2).sum(axis=1)


def cliff(x: np.ndarray) -> np.ndarray:
    """A slope up to 0.8, behind which runs get a tenth right."""
    return np.where(x[:, 0] > 0.8, 0.1, 0.8 + 0.1 * x[:, 0] / 0.8)


TRUTHS = {
    "one axis": (bump(0.3), 1),
    "two axes": (bump(0.6, 0.4), 2),
    "narrow along one": (lambda x: bump(0.6, width=0.3)(x[:, :1]) - 0.02 * x[:, 1], 2),
    "three axes": (bump(0.5, 0.2, 0.7), 3),
    "at an edge": (bump(0.0, 1.0), 2),
    "a cliff": (cliff, 1),
}


def drawn(truth: Truth, axes: int, num: int, seed: int, noise: float) -> tuple:
    rng = np.random.default_rng(seed)
    x = rng.random((num, axes))
    return x, truth(x) + rng.normal(scale=noise, size=num)


@pytest.mark.parametrize("name", TRUTHS)
def test_the_optimum_is_found_and_better_than_the_luckiest_point(name: str):
    """In the true score of what is chosen, mean over five pools of 20 points.

    Before a cliff a smooth surface keeps its distance, which costs a point or so.
    """
    truth, axes = TRUTHS[name]
    best = truth(surface.places(axes)).max()
    ours, luckiest = [], []
    for seed in range(5):
        x, scores = drawn(truth, axes, 20, seed, noise=0.015)
        found = surface.fit(x, scores)
        assert found is not None
        places = surface.places(axes)
        chosen = places[found(places)[0].argmax()]
        ours.append(best - truth(chosen[None])[0])
        luckiest.append(best - truth(x[[scores.argmax()]])[0])
    assert np.mean(ours) < 0.02
    if name != "a cliff":
        assert np.mean(ours) < np.mean(luckiest) + 0.003


def test_the_noise_and_the_heights_are_those_of_the_scores():
    """At known places, in the scores' unit, within the surface's own standard errors."""
    truth = bump(0.4)
    x, scores = drawn(truth, 1, 80, seed=1, noise=0.02)
    found = surface.fit(x, scores)
    assert found is not None and 0.01 < found.noise < 0.03
    near = np.linspace(0.2, 0.6, 9)[:, None]
    heights, errors = found(near)
    assert (errors > 0).all() and (errors < found.noise).all()
    assert (np.abs(heights - truth(near)) < 3.5 * errors).all()


def test_more_scores_make_it_surer():
    x, scores = drawn(bump(0.4), 1, 80, seed=1, noise=0.02)
    few, many = surface.fit(x[:10], scores[:10]), surface.fit(x, scores)
    assert few is not None and many is not None
    assert many(x[:5])[1].mean() < few(x[:5])[1].mean()


def test_how_bad_a_bad_setting_is_changes_nothing():
    """Diverged, or at a tenth: both are below the median."""
    x, scores = drawn(bump(0.3, 0.6), 2, 20, seed=3, noise=0.01)
    worst = np.argsort(scores)[:6]
    found = []
    for value in (0.1, 0.0, np.nan):
        told = scores.copy()
        told[worst] = value
        fitted = surface.fit(x, told)
        assert fitted is not None
        found.append(fitted(x)[0])
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])


def test_the_unit_of_the_scores_moves_no_optimum():
    x, scores = drawn(bump(0.3), 1, 20, seed=2, noise=0.01)
    one, other = surface.fit(x, scores), surface.fit(x, 100 * scores - 7)
    assert one is not None and other is not None
    assert other(x)[0] == pytest.approx(100 * one(x)[0] - 7, abs=1e-3)
    assert other.noise == pytest.approx(100 * one.noise, rel=1e-3)


def test_too_few_or_equal_scores_have_no_surface():
    x, scores = drawn(bump(0.3), 1, 4, seed=2, noise=0.01)
    assert surface.fit(x, scores) is not None
    assert surface.fit(x[:3], scores[:3]) is None
    assert surface.fit(x, np.array([*scores[:3], np.nan])) is None
    assert surface.fit(x, np.full(4, 0.5)) is None
    assert surface.fit(np.empty((4, 0)), scores) is None


def test_it_is_the_same_again():
    x, scores = drawn(bump(0.3, 0.6), 2, 20, seed=3, noise=0.01)
    found = [surface.fit(x, scores) for _ in range(2)]
    assert found[0] is not None and found[1] is not None
    assert np.array_equal(found[0](x), found[1](x))


def test_places_fill_the_cube_evenly():
    places = surface.places(2)
    assert places.shape == (4096, 2) and places.min() >= 0 and places.max() < 1
    assert (np.histogram2d(*places.T, bins=8, range=[[0, 1]] * 2)[0] == 64).all()
    assert np.array_equal(places, surface.places(2))
