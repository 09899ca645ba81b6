"""The setting to use, on made-up pools whose best setting is known."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sambench.config import Arm, Space
from sambench.records import Fit, Score
from sambench.seeds import position
from sambench.study.setting import ALONG, chosen, fits
from sambench.training import Outcome
from tests.sambench.conftest import LR, RHO, arm

Values = dict[str, Any]
NOISE = 0.012
BEST = {"lr": 0.1, "rho": 0.1}


def truth(arm: Arm, values: Values, best: Values = BEST, slope: float = 0.3) -> float:
    """0.9 at the best values; lower by `slope` times the squared distance in the unit cube."""
    own = {**best, "k": 5, "form": "good"}
    distance = [
        0.3 * (values[name] != own[name])
        if space.choices is not None
        else space.place(values[name]) - space.place(own[name])
        for name, space in arm.space.items()
    ]
    return 0.9 - slope * sum(d**2 for d in distance)


def pool(arm: Arm, num: int = 20, seed: int = 0, **how: Any) -> list[tuple[Values, float | None]]:
    """Points of a pool by the protocol, scored with noise."""
    rng = np.random.default_rng(seed)
    points = [
        {n: space.at(position(seed, i, arm.axes[n])) for n, space in arm.space.items()}
        for i in range(num)
    ]
    return [(own, truth(arm, own, **how) + rng.normal(scale=NOISE)) for own in points]


def fitted(arm: Arm, points: list[tuple[Values, float | None]]) -> Fit:
    found = chosen(arm, points)
    assert found is not None
    assert list(found.setting) == list(arm.space)
    return found


def test_less_may_be_better():
    """The same places, in scores of their own direction."""
    own = arm("sam")
    error = Score(name="rmse", unit="of the target", direction="minimize")
    scored = pool(own)
    at = {"label": own.label, "stage": "pool", "radius": "rho"}
    ran = [
        (SimpleNamespace(**at, lr=v["lr"], hyperparameters={"rho": v["rho"]}), done(37 - 37 * s))
        for v, s in scored
        if s is not None
    ]
    found = fits({"sam": own}, ran, error)["sam"]  # pyright: ignore[reportArgumentType]
    same = fitted(own, scored)
    assert found.setting == same.setting and found.edges == same.edges
    assert found.expected == pytest.approx(37 - 37 * same.expected)
    assert found.noise == pytest.approx(37 * same.noise)
    wanted = [(rho, 37 - 37 * score, 37 * se) for rho, score, se in same.profile]
    assert np.array(found.profile) == pytest.approx(np.array(wanted), rel=1e-4)


def done(rmse: float) -> Outcome:
    return Outcome("complete", objective="rmse", scores={"val_rmse": rmse})


LABELS = ("plain", "sam")
WIDE = arm(
    "sam",
    space={
        "lr": Space(**LR),
        "rho": Space(**RHO),
        "k": Space(low=2, high=9),
        "form": Space(choices=("bad", "good", "ugly")),
    },
)


@pytest.mark.parametrize("own", [arm("plain"), arm("sam"), WIDE], ids=["1", "2", "4 axes"])
def test_what_is_chosen_is_nearly_as_good_as_the_best(own: Arm):
    """Of the true score, mean over four pools: within a point, and not by the luck of one run."""
    regrets, luckiest = [], []
    for seed in range(4):
        points = pool(own, 40, seed)
        regrets.append(0.9 - truth(own, fitted(own, points).setting))
        best = max(points, key=lambda point: point[1] or 0)[0]
        luckiest.append(0.9 - truth(own, best))
    assert np.mean(regrets) < 0.01
    assert np.mean(regrets) < np.mean(luckiest)


def test_numbers_have_two_digits_whole_ones_are_whole_and_choices_are_choices():
    setting = fitted(WIDE, pool(WIDE, 40)).setting
    assert all(setting[n] == float(f"{setting[n]:.2g}") for n in ("lr", "rho"))
    assert type(setting["k"]) is int and setting["form"] == "good"


def test_the_surface_says_what_it_expects_and_how_noisy_scores_are():
    own = arm("sam")
    found = fitted(own, pool(own, 60))
    assert found.expected == pytest.approx(0.9, abs=0.01)
    assert found.noise == pytest.approx(NOISE, rel=0.5)
    assert found.edges == []


def test_the_profile_lies_along_the_radius():
    own = arm("sam")
    found = fitted(own, pool(own, 60, slope=0.6))
    radii, heights, errors = zip(*found.profile, strict=True)
    assert len(radii) == ALONG and list(radii) == sorted(radii)
    assert (radii[0], radii[-1]) == own.space["rho"].bounds
    assert max(heights) == pytest.approx(found.expected, abs=0.005) and min(errors) > 0
    best = radii[heights.index(max(heights))]
    assert abs(math.log(best / found.setting["rho"])) < 0.4  # a step is 0.24
    for radius, height, error in found.profile:
        known = 0.9 - 0.6 * (own.space["rho"].place(radius) - own.space["rho"].place(0.1)) ** 2
        assert abs(height - known) < 4 * error + 0.01 or height > known  # what is bad is clipped
    assert fitted(arm("plain"), pool(arm("plain"))).profile == []


@pytest.mark.parametrize(("beyond", "end"), [(0.0003, 0.001), (3.0, 1.0)])
@pytest.mark.parametrize("seed", range(4))
def test_an_optimum_at_the_edge_is_said(beyond: float, end: float, seed: int):
    """Scores rise up to the bound; a smooth surface may bend down behind the outermost point."""
    own = arm("sam")
    found = fitted(own, pool(own, 40, seed, best={"lr": beyond, "rho": 0.1}))
    assert found.edges == ["lr"]
    assert abs(own.space["lr"].place(found.setting["lr"]) - own.space["lr"].place(end)) < 0.06


def test_a_rounded_setting_stays_within_its_range():
    own = arm("plain", space={"lr": Space(low=0.00123456789, high=0.987654321, log=True)})
    found = fitted(own, pool(own, 40, best={"lr": 30.0}))
    assert found.edges == ["lr"] and 0.95 < found.setting["lr"] <= 0.987654321


def test_ends_of_whole_numbers_and_choices_are_no_edges():
    own = arm("sam", space={"lr": Space(**LR), "k": Space(low=2, high=5)}, radius=None)
    found = fitted(own, pool(own, 40, best=BEST, slope=1.0))
    assert found.setting["k"] == 5 and "k" not in found.edges


def test_diverged_points_keep_it_away():
    """All with lr above 0.3 diverge; the slope leads there."""
    own = arm("sam")
    points = pool(own, 40, best={"lr": 1.0, "rho": 0.1})
    told = [(own, None if own["lr"] > 0.3 else score) for own, score in points]
    assert 0.03 < fitted(own, told).setting["lr"] < 0.35


def test_four_points_have_a_surface_and_three_a_best_point():
    own = arm("plain")
    four = pool(own, 4)
    found = fitted(own, four)
    assert 0.001 <= found.setting["lr"] <= 1 and found.noise > 0
    best = max(four[:3], key=lambda point: point[1] or 0)
    few = fitted(own, four[:3])
    assert few.setting == {"lr": float(f"{best[0]['lr']:.2g}")}
    assert (few.expected, few.noise, few.edges, few.profile) == (best[1], 0.0, [], [])


def test_of_equal_scores_the_first_point_is_taken():
    own = arm("sam")
    points = [(values, 0.5) for values, _ in pool(own, 20)]
    found = fitted(own, points)
    assert found.setting == {n: float(f"{v:.2g}") for n, v in points[0][0].items()}
    assert (found.expected, found.profile) == (0.5, [])
    diverged = [(values, None) for values, _ in points[:5]] + points[5:]
    assert fitted(own, diverged).setting == {n: float(f"{v:.2g}") for n, v in points[5][0].items()}


def test_without_a_search_or_a_survivor_there_is_none():
    own = arm("sam")
    assert chosen(own, []) is None
    assert chosen(own, [(values, None) for values, _ in pool(own)]) is None
    assert chosen(arm("plain", lr=0.1, space={}), [({}, 0.5)] * 5) is None


def test_it_is_the_same_again():
    own = arm("sam")
    assert chosen(own, pool(own)) == chosen(own, pool(own))
