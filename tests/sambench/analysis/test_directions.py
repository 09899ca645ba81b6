"""The same made-up pools by accuracy, by an error, by a return: the same claims, turned."""

import json
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from sambench.analysis import Estimate, Leaderboard, analyse, as_data, bands
from sambench.analysis.evidence import Evidence
from sambench.analysis.tables import frames
from sambench.analysis.test_set import errors
from sambench.records import Records, pack_numbers
from tests.sambench.analysis.conftest import row, with_runs
from tests.sambench.analysis.turned import ERROR, KINDS, Turned, turned
from tests.sambench.conftest import Make

WIN = {"plain-x0.5": 0.88, "plain": 0.87, "plain-x2": 0.83, "sam": 0.89, "asam": 0.93}


@pytest.fixture(scope="module")
def study(make: Make) -> Records:
    """With its bands, as a study writes them."""
    found = make(WIN)
    drawn = bands(found)
    assert drawn is not None
    return with_runs(found, found.records, bands=drawn.model_dump())


@pytest.fixture(scope="module")
def answer(study: Records) -> Leaderboard:
    return analyse(study)


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def kind(request: pytest.FixtureRequest) -> Turned:
    return request.param


@pytest.fixture(scope="module")
def other(study: Records, kind: Turned) -> Records:
    return turned(study, kind)


@pytest.fixture(scope="module")
def found(other: Records) -> Leaderboard:
    return analyse(other)


def ends(estimate: Estimate | None) -> list[float]:
    assert estimate and estimate.low is not None and estimate.high is not None
    return [estimate.low, estimate.value, estimate.high]


def test_the_ranking_and_its_claims_are_the_same(answer: Leaderboard, found: Leaderboard):
    assert [own.label for own in found.rows] == [own.label for own in answer.rows]
    assert [own.label for own in found.equal] == [own.label for own in answer.equal]
    assert found.use == answer.use and found.searches_needed == answer.searches_needed
    for ours, theirs in zip(found.rows, answer.rows, strict=True):
        assert (ours.group, ours.wins, ours.trials) == (theirs.group, theirs.wins, theirs.trials)
        assert ours.beats == pytest.approx(theirs.beats)
        ps = [[own.p for own in one.against] for one in (ours, theirs)]
        assert ps[0] == pytest.approx(ps[1])


def test_scores_and_differences_are_turned(answer: Leaderboard, found: Leaderboard, kind: Turned):
    for ours, theirs in zip(found.rows, answer.rows, strict=True):
        assert ends(ours.score) == pytest.approx(sorted(map(kind, ends(theirs.score))))
        assert ends(ours.inner) == pytest.approx(sorted(map(kind, ends(theirs.inner))))
        if theirs.detectable is not None:
            assert ours.detectable == pytest.approx(abs(kind.by) * theirs.detectable)
        for one, its in zip(ours.against, theirs.against, strict=True):
            apart = sorted(kind.by * end for end in ends(its.difference))
            assert ends(one.difference) == pytest.approx(apart)
        assert ours.setting and theirs.setting
        assert ends(ours.setting.score) == pytest.approx(
            sorted(map(kind, ends(theirs.setting.score)))
        )


def test_tables_are_turned(study: Records, other: Records, kind: Turned):
    ours, theirs = (
        frames(evidence, analyse(records))
        for records in (other, study)
        for evidence in [Evidence(records)]
    )
    flipped = {"low": "high", "high": "low", "band_low": "band_high", "band_high": "band_low"}
    turn = flipped if kind.by < 0 else {}
    for name in ("low", "high", "score", "band_low", "band_high"):
        own = ours["tuning"][turn.get(name, name)].to_numpy()
        assert own == pytest.approx(kind.at + kind.by * theirs["tuning"][name].to_numpy())
    for name in ("pareto_gradients", "pareto_wall", "pareto_memory"):
        assert ours["cost"][name].tolist() == theirs["cost"][name].tolist()
    assert ours["pool"]["rank"].tolist() == theirs["pool"]["rank"].tolist()
    assert ours["confirmed"]["weight"].to_numpy() == pytest.approx(theirs["confirmed"]["weight"])
    ends_of = [frame["radius"][["low", "high", "used"]].to_numpy() for frame in (ours, theirs)]
    assert ends_of[0] == pytest.approx(ends_of[1])
    lost = [frame["radius"]["regret_of_default"].to_numpy() for frame in (ours, theirs)]
    assert lost[0] == pytest.approx(abs(kind.by) * lost[1])
    epoch = ours["curves"]["mean"].to_numpy()
    assert epoch == pytest.approx(kind.at + kind.by * theirs["curves"]["mean"].to_numpy(), rel=1e-4)


def test_bands_are_as_wide(study: Records, other: Records):
    ours, theirs = bands(other), bands(study)
    assert ours and theirs and ours.model_dump() == pytest.approx(theirs.model_dump())


def test_curves_that_do_better_lie_on_the_better_side(
    answer: Leaderboard, found: Leaderboard, kind: Turned
):
    assert answer.orders
    side = "below" if kind.by < 0 else "above"
    assert [told.replace("above", side) for told in answer.orders] == list(found.orders)


HEADLINES = {
    "rmse": "asam beats plain: RMSE lower by {0:.3f} [{1:.3f}, {2:.3f}] than the best plain (half ",
    "mean_return": "asam beats plain: mean return higher by {0:.1f} [{1:.1f}, {2:.1f}] than the ",
    "error_rate": "asam beats plain: error rate lower by {0:.2f} points [{1:.2f}, {2:.2f}] than ",
}


def test_sentences_say_which_way_a_difference_goes(found: Leaderboard, kind: Turned):
    score = kind.score
    lead = next(own for own in row(found, "asam").against if own.label == "plain-x0.5").difference
    low, value, high = sorted(score.scale * abs(end) for end in ends(lead))
    assert found.headline.startswith(HEADLINES[score.name].format(value, low, high))
    assert f"test {score.words} " in found.advice
    amounts = {"rmse": "0.37 in RMSE", "mean_return": "5 in mean return", "error_rate": "1 point"}
    exceeds = "exceeds" if kind.by > 0 else "undercuts"
    assert f"{exceeds} it by more than {amounts[score.name]} (95%)" in found.advice
    assert ("%" in found.advice.partition("A run costs")[0]) == score.in_percent


def test_single_items_tell_the_test_set_s_error(
    answer: Leaderboard, found: Leaderboard, kind: Turned
):
    for ours, theirs in zip(found.rows, answer.rows, strict=True):
        if kind.score.items and theirs.test_set_error is not None:
            assert ours.test_set_error == pytest.approx(abs(kind.by) * theirs.test_set_error)
        else:
            assert ours.test_set_error is None


def test_the_error_of_a_root_is_that_of_leaving_items_out(make: Make):
    score = ERROR.model_copy(update={"items": "squares"})
    few = turned(make({"plain": 0.8, "sam": 0.9}), Turned(score, 37.0, -37.0))
    rng, squares, runs = np.random.default_rng(0), {}, []
    for run in few.records:
        own = rng.exponential(2.0, 12).astype("f4")
        squares[run.variant, run.stage, run.point, run.rerun] = own.astype(float)
        told = {"test": {"rmse": sqrt(own.mean(dtype=float))}, "items": {"rmse": pack_numbers(own)}}
        runs.append(replace(run, **(told if run.stage == "confirm" else {}), num_items=12))
    study = with_runs(few, runs)
    evidence = Evidence(study)
    confirmed = frames(evidence, analyse(study))["confirmed"]

    def without(label: str, item: int | None) -> float:
        mine = confirmed[confirmed["variant"] == label]
        kept = np.arange(12) != item
        places = zip(mine["point"], mine["rerun"], mine["weight"], strict=True)
        return sum(
            weight * sqrt(squares[label, "confirm", point, rerun][kept].mean())
            for point, rerun, weight in places
        )

    apart = np.array([without("sam", i) - without("plain", i) for i in range(12)])
    wanted = sqrt(11 / 12 * ((apart - apart.mean()) ** 2).sum())
    assert errors(evidence, ["sam"], "plain")["sam"] == pytest.approx(wanted)


def test_who_scores_like_a_constant_answer_is_told(other: Records, kind: Turned):
    chance = kind(0.885)
    told = analyse(with_runs(other, other.records, chance=chance)).warnings[0]
    assert told.startswith("plain-x0.5, sam, plain and plain-x2 score no better than chance: alw")


def test_it_becomes_json(found: Leaderboard):
    assert json.loads(json.dumps(as_data(found)))["headline"] == found.headline
