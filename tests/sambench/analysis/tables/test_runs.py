"""The tables that list runs, what they cost, where they diverged and how they trained."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy

from sambench.analysis import analyse
from sambench.analysis.evidence import Evidence
from sambench.analysis.tables import confirmed, cost, curves, divergence, pool, radius, ranking
from sambench.records import Records
from tests.sambench.analysis.conftest import DIVERGED, changed, of, row, with_runs
from tests.sambench.conftest import Make


@pytest.fixture(scope="module")
def study(make: Make) -> Records:
    return make({"plain": 0.9, "sam": 0.92, "esam": 0.85})


def swept(study: Records, num: int) -> Records:
    """With trials that an agent ran, of points of its own."""
    first = of(study, "sam", "pool")[0]
    runs = [replace(first, stage="sweep", source="sweep", point=i, lr=0.9) for i in range(num)]
    return with_runs(study, [*study.records, *runs])


def test_trials_of_sweeps_are_shown_and_rank_nothing(study: Records):
    more = swept(study, 3)
    found, known = analyse(more), analyse(study)
    assert found.rows == known.rows and found.headline == known.headline
    assert found.warnings == ("3 trials of W&B sweeps are shown, and count in no ranking.",)
    table = pool.table(Evidence(more))
    assert len(table) == len(pool.table(Evidence(study))) + 3
    taken = table.query("source == 'sweep'")
    assert set(taken["rank"]) == {-1} and set(taken["lr"]) == {0.9}


def test_a_point_that_an_agent_ran_ranks_nothing_either(study: Records):
    one = of(study, "sam", "pool")[0]
    again = replace(one, source="sweep", val={"accuracy": 0.99, "loss": 0.1})
    assert analyse(with_runs(study, [*study.records, again])).rows == analyse(study).rows


def test_ranks_are_those_of_the_confirmed_points(study: Records):
    table = pool.table(Evidence(study)).query("variant == 'sam'")
    known = {r.point: r.rank for r in of(study, "sam", "confirm")}
    ranks = {line["point"]: line["rank"] for line in table.to_dict("records")}
    assert {point: rank for point, rank in ranks.items() if rank >= 0} == known
    scores = table.query("rank >= 0").sort_values("rank")["val"]
    assert scores.is_monotonic_decreasing


def test_weights_of_confirm_runs_give_the_score(study: Records):
    lost = changed(study, lambda r: r in of(study, "sam", "confirm")[:3], **DIVERGED)
    table, found = confirmed.table(Evidence(lost)), analyse(lost)
    assert len(table) == sum(r.stage == "confirm" for r in study.records)
    for label, own in table.groupby("variant"):
        assert own["weight"].sum() == pytest.approx(1)
        score = row(found, str(label)).score
        assert score and (own["weight"] * own["test"].fillna(0)).sum() == pytest.approx(score.value)
    assert (table.query("outcome == 'diverged'")["weight"] == 0).all()


def test_cost_and_its_pareto_fronts(study: Records):
    found = changed(study, lambda r: r.variant == "sam", peak_memory=1000)
    table = cost.table(analyse(found)).set_index("variant")
    assert table["gradient_evaluations"].to_dict() == {"sam": 240, "plain": 120, "esam": 180}
    assert table["ratio"].to_dict() == {"sam": 2, "plain": 1, "esam": 1.5}
    assert table.loc["sam", "peak_memory"] == 1000 and table.loc["sam", "wall_s"] == 4.8
    better = table.loc["sam", "score"] > table.loc["plain", "score"]
    fronts = {"esam": False, "plain": True, "sam": better}
    assert table["pareto_gradients"].to_dict() == fronts == table["pareto_wall"].to_dict()
    assert table["pareto_memory"].to_dict() == {"esam": False, "plain": False, "sam": True}


def test_the_ranking_s_lead_is_over_the_best_plain(study: Records):
    found = analyse(study)
    table = ranking.table(found).set_index("variant")
    assert list(table.index) == [own.label for own in found.rows]
    lead = row(found, "sam").against[0].difference
    assert table.loc["sam", ["difference", "difference_low", "difference_high"]].tolist() == [
        lead.value, lead.low, lead.high,
    ]  # fmt: skip
    assert set(table["plain"]) == {"plain"} and np.isnan(table.loc["plain", "difference"])
    leads = ranking.differences(found)
    assert len(leads) == 2 and set(leads["plain"]) == {"plain"}


def test_divergence_counts_every_run_once_in_bins_that_cover_the_ranges(study: Records):
    found = changed(study, lambda r: r.stage == "pool" and r.lr > 0.4, **DIVERGED)
    table = divergence.table(Evidence(found))
    by = table.groupby("variant")[["runs", "diverged"]].sum()
    lost = sum(r.stage == "pool" and r.lr > 0.4 for r in study.records)
    assert by["runs"].to_dict() == {"esam": 27, "plain": 40, "sam": 20}
    assert by["diverged"].sum() == lost > 0
    sam = table.query("variant == 'sam'")
    ends = [sam["lr_low"].min(), sam["lr_high"].max(), sam["rho_low"].min(), sam["rho_high"].max()]
    assert ends == pytest.approx([0.001, 1.0, 0.01, 0.5])
    assert table.query("variant == 'plain'")["rho_low"].isna().all()
    runs = pool.table(Evidence(found)).query("variant == 'sam'")
    for line in sam.to_dict("records"):
        inside = runs[
            runs["lr"].between(line["lr_low"], line["lr_high"])
            & runs["rho"].between(line["rho_low"], line["rho_high"])
        ]
        assert len(inside) == line["runs"]
        assert (inside["outcome"] == "diverged").sum() == line["diverged"]


def test_curves_are_those_of_the_setting_to_use(study: Records):
    texts = ["0.1000 0.5000 0.9000", "0.3000 0.7000"]
    runs = [
        replace(r, curve=texts[r.rerun % 2]) if (r.variant, r.stage) == ("sam", "setting") else r
        for r in study.records
    ]
    table = curves.table(Evidence(with_runs(study, runs))).query("variant == 'sam'")
    table = table.reset_index(drop=True)
    assert list(table["epoch"]) == [1, 2, 3] and list(table["n"]) == [5, 5, 3]
    own = [0.1, 0.3, 0.1, 0.3, 0.1]
    known = scipy.t.interval(0.95, 4, np.mean(own), scipy.sem(own))
    assert table.loc[0, ["low", "high"]].tolist() == pytest.approx(list(known))
    assert table["mean"].tolist() == pytest.approx([0.18, 0.58, 0.9])
    assert table.loc[2, ["low", "high"]].tolist() == pytest.approx([0.9, 0.9])


def test_the_radius_is_read_from_the_study_s_surface(study: Records):
    """A parabola over 17 places, 0.001 (i - 8)^2 below its top, and a noise of 0.01: 3 places.

    The one to use, 0.071, lies between the ninth place and the one before it.
    """
    table = radius.table(Evidence(study)).set_index("variant")
    assert list(table.index) == ["sam", "esam"]
    place = 0.01 * 50 ** (np.arange(17) / 16)
    sam = table.loc["sam"]
    assert sam["radius"] == "rho" and sam["default"] == 0.05
    assert sam["used"] == 0.071
    assert sam[["low", "high"]].tolist() == pytest.approx(place[[5, 11]].tolist())
    assert sam["decades"] == pytest.approx(np.log10(50) * 6 / 16)
    at = 16 * np.log(5) / np.log(50)  # of the default, between the sixth and the seventh place
    scores = 0.55 - 0.001 * (np.arange(17) - 8) ** 2
    used = 16 * np.log(7.1) / np.log(50)
    known = np.interp([used, at], range(17), scores)
    assert sam["regret_of_default"] == pytest.approx(known[0] - known[1])


def test_nothing_is_said_of_a_radius_where_no_run_lay(study: Records):
    """Where the surface is flat, all of what ran is as good, and no more."""
    fits = {label: dict(fit) for label, fit in study.header["fits"].items()}
    fits["sam"]["profile"] = [[0.01 * 50 ** (i / 16), 0.5, 0.005] for i in range(17)]
    kept = [r for r in study.records if r.variant != "sam" or 0.03 < (r.rho or 0) < 0.2]
    arms = {label: dict(arm) for label, arm in study.header["arms"].items()}
    arms["sam"]["defaults"] = {"rho": 0.4}
    evidence = Evidence(with_runs(study, kept, fits=fits, arms=arms))
    ran = [r.rho for r in kept if r.variant == "sam" and r.rho]
    sam = radius.table(evidence).set_index("variant").loc["sam"]
    assert sam[["low", "high"]].tolist() == [min(ran), max(ran)]
    assert np.isnan(sam["regret_of_default"]) and sam["default"] == 0.4
    profile = radius.profiles(evidence).query("variant == 'sam'")
    assert [profile["value"].min(), profile["value"].max()] == [min(ran), max(ran)]
    assert set(profile["score"]) == {0.5} and set(profile["se"]) == {0.005}


def test_a_radius_without_default_or_within_a_broken_plateau(study: Records):
    fits = {label: dict(fit) for label, fit in study.header["fits"].items()}
    profile = [[0.01 * 50 ** (i / 16), 0.5, 0.005] for i in range(17)]
    profile[3][1], profile[5][1], profile[10][1] = 0.55, 0.4, 0.549
    fits["sam"]["profile"] = profile
    fits["sam"]["noise"] = 0.06
    fits["sam"]["setting"] = {"lr": 0.032, "rho": profile[3][0]}
    arms = {label: dict(arm) for label, arm in study.header["arms"].items()}
    arms["sam"]["defaults"] = {"rho": 2.0}
    arms["esam"]["defaults"] = {}
    table = radius.table(Evidence(with_runs(study, study.records, fits=fits, arms=arms)))
    sam, esam = table.to_dict("records")
    assert sam["low"] == min(r.rho or 1 for r in of(study, "sam", "pool"))
    assert sam["high"] == pytest.approx(profile[4][0])
    assert np.isnan(sam["regret_of_default"]) and np.isnan(esam["default"])
