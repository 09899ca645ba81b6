"""The tables made of search runs, and the training curves."""

import dataclasses
import json

import numpy as np
import pytest

from sambench import stats
from sambench.analysis.tables import budget, cost, curves, divergence, search, sensitivity
from sambench.records import Records

TWO = {"plain": 0.93, "sam": 0.95}


def searched(found: Records, num: int = 8, **changes: object) -> Records:
    """Random search trials, best at lr 0.1 and rho 0.05; those of lr above 0.4 diverge."""
    rng, out = np.random.default_rng(0), []
    rest = [r for r in found.records if r.stage != "search"]
    for label in ("plain", "sam"):
        like = next(r for r in found.records if (r.variant, r.stage) == (label, "search"))
        for trial in range(num):
            lr, rho = 10 ** rng.uniform(-3, 0), 10 ** rng.uniform(-2, np.log10(0.5))
            score = 0.9 - 0.05 * np.log10(lr / 0.1) ** 2 - 0.1 * np.log10(rho / 0.05) ** 2
            fields = {
                "trial": trial,
                "lr": lr,
                "rho": rho if label == "sam" else None,
                "hyperparameters": json.dumps({"rho": rho} if label == "sam" else {}),
                "outcome": "complete" if lr < 0.4 else "diverged",
                "val_accuracy": score if lr < 0.4 else None,
                **changes,
            }
            out.append(dataclasses.replace(like, **fields))
    return Records(found.header, (*rest, *out))


def test_search_lists_every_search_run(make):
    table = search.table(searched(make(TWO)))
    assert len(table) == 16 and list(table["trial"]) == [*range(8), *range(8)]
    assert table.query("variant == 'plain'")["rho"].isna().all()
    assert set(table["outcome"]) == {"complete", "diverged"}


def test_budget_curves_are_those_of_the_scores(make):
    found = searched(make(TWO))
    table = budget.table(found).query("variant == 'sam'")
    scores = search.table(found).query("variant == 'sam'")["val_accuracy"].fillna(0)
    for own, replace in ((table.query("estimator == 'U'"), False), (table[8:], True)):
        known = stats.expected_best(scores, np.arange(1, 9), replace)
        assert list(own["expected"]) == pytest.approx(known)
    assert table["low"].isna().all(), "8 trials give no interval"
    longer = budget.table(searched(make(TWO), 40)).query("variant == 'sam' and estimator == 'U'")
    assert list(longer["trials"])[:32] == list(range(1, 33)) and max(longer["trials"]) == 40
    assert longer.dropna()["trials"].max() == 10


@pytest.mark.parametrize("change", [{"sampler": "tpe"}, {"pruner": "median"}])
def test_adaptive_searches_show_the_best_so_far(make, change: dict[str, str]):
    found = searched(make(TWO))
    found.header["spec"]["search"] |= change
    table = budget.table(found).query("variant == 'plain'")
    scores = search.table(found).query("variant == 'plain'")["val_accuracy"].fillna(0)
    assert set(table["estimator"]) == {"best so far"}
    assert list(table["expected"]) == list(np.maximum.accumulate(scores))


def test_runs_of_a_sweep_stay_out_of_the_budget(make):
    assert budget.table(searched(make(TWO), source="sweep")).empty


def test_divergence_counts_every_run_once_in_bins_that_cover_the_ranges(make):
    found = searched(make(TWO), 32)
    table = divergence.table(found)
    by = table.groupby("variant")[["runs", "diverged"]].sum()
    lost = (search.table(found)["outcome"] == "diverged").sum()
    assert set(by["runs"]) == {32} and by["diverged"].sum() == lost > 0
    sam = table.query("variant == 'sam'")
    assert len(sam) == 16
    ends = [sam["lr_low"].min(), sam["lr_high"].max(), sam["rho_low"].min(), sam["rho_high"].max()]
    assert ends == pytest.approx([0.001, 1.0, 0.01, 0.5])
    assert table.query("variant == 'plain'")["rho_low"].isna().all()
    runs = search.table(found).query("variant == 'sam'")
    for line in sam.to_dict("records"):
        inside = runs[
            runs["lr"].between(line["lr_low"], line["lr_high"])
            & runs["rho"].between(line["rho_low"], line["rho_high"])
        ]
        assert len(inside) == line["runs"]
        assert (inside["outcome"] == "diverged").sum() == line["diverged"]


def test_sensitivity_finds_the_radius(make):
    found = searched(make(TWO), 64)
    num = (search.table(found).query("variant == 'sam'")["outcome"] == "complete").sum()
    val = {1000 + i: 0.9 + 0.004 * (-1) ** i for i in range(10)}
    runs = [
        dataclasses.replace(r, val_accuracy=val[r.seed]) if r.seed in val else r
        for r in found.records
    ]
    (row,) = sensitivity.table(Records(found.header, tuple(runs))).to_dict("records")
    known = ("sam", "rho", 0.05, num)
    assert (row["variant"], row["radius"], row["default"], row["trials"]) == known
    assert row["best"] == pytest.approx(0.05, rel=0.2)
    assert row["decades"] == pytest.approx(0.41, abs=0.1)  # 2 sqrt(sd / 0.1)
    assert row["regret_of_default"] == pytest.approx(0, abs=0.002) and row["note"] == ""


def test_sensitivity_says_why_it_has_no_number(make):
    def notes(found: Records) -> str:
        return str(sensitivity.table(found)["note"].iloc[0])

    assert notes(searched(make(TWO))) == "too few trials: 16 are needed"
    assert notes(searched(make(TWO, seeds=2), 40)) == "no standard error: too few seeds"
    linear = searched(make(TWO), 40)
    linear.header["spaces"]["sam"]["rho"]["log"] = False
    assert notes(linear) == "lr or the radius was not searched in log space"
    more = searched(make(TWO), 40)
    more.header["spaces"]["sam"]["beta"] = more.header["spaces"]["sam"]["rho"]
    assert notes(more) == "more than lr and the radius was searched"


def test_cost_and_its_pareto_fronts(make):
    found = make({"plain": 0.9, "sam": 0.95, "esam": 0.85}, sam={"peak_memory": 1000})
    table = cost.table(found.complete, "plain").set_index("variant")
    assert (
        table.loc["sam", "gradient_evaluations"] == 240 and table.loc["sam", "peak_memory"] == 1000
    )
    assert table["pareto_gradients"].to_dict() == {"esam": False, "plain": True, "sam": True}
    assert table["pareto_memory"].to_dict() == {"esam": False, "plain": False, "sam": True}


def test_times_of_other_machines_are_left_out(make):
    table = cost.table(make(TWO, sam={"device": "cuda"}).complete, "plain").set_index("variant")
    assert np.isnan(table.loc["sam", ["wall_s", "step_time_s"]].astype(float)).all()
    assert table.loc["plain", "wall_s"] == 2.5 and not table.loc["sam", "pareto_wall"]


def test_curves_are_means_with_intervals(make):
    found = make(TWO)
    texts = ["0.1000 0.5000 0.9000", "0.3000 0.7000"]
    runs = [
        dataclasses.replace(r, curve=texts[r.seed % 2]) if r.variant == "sam" else r
        for r in found.records
    ]
    table = curves.table(Records(found.header, tuple(runs)).complete).query("variant == 'sam'")
    table = table.reset_index(drop=True)
    assert list(table["epoch"]) == [1, 2, 3] and list(table["n"]) == [10, 10, 5]
    assert list(table["mean"]) == pytest.approx([0.2, 0.6, 0.9])
    known = stats.mean_interval([0.1, 0.3] * 5)
    assert known and table.loc[0, ["low", "high"]].tolist() == pytest.approx(
        [known.low, known.high]
    )
    assert table.loc[2, "low"] == pytest.approx(0.9)
