"""The two rankings: equal to what the page says, and each against its own baseline."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sambench import records
from sambench.analysis.leaderboard import analyse
from sambench.analysis.rankings import rankings
from sambench.analysis.tables import ranking, results
from sambench.config.arms import EQUAL_EPOCHS
from sambench.records import Records

DIGITS = Path(__file__).parents[4] / "leaderboards" / "digits.csv"
FOUR = {"plain": 0.93, "sam": 0.95, "asam": 0.95, "esam": 0.92}


def table_of(found: Records) -> pd.DataFrame:
    return ranking.table(rankings(found))


def assert_equals_page(found: Records) -> None:
    table = table_of(found).query("ranking == 'equal-compute'")
    rows = analyse(found).rows
    assert list(table["variant"]) == [row.label for row in rows]
    assert list(table["group"]) == [row.group for row in rows]
    for line, row in zip(table.to_dict("records"), rows, strict=True):
        known = [row.accuracy and getattr(row.accuracy, x) for x in ("mean", "low", "high")]
        if row.against:
            d = row.against.difference
            known += [d.mean, d.low, d.high, d.p, row.against.holm_p, row.against.detectable]
            known += [row.against.test_set_error]
        else:
            known += [None] * 7
        numbers = [
            line[x]
            for x in (
                "mean",
                "low",
                "high",
                "difference",
                "difference_low",
                "difference_high",
                "p",
                "holm_p",
                "detectable",
                "test_set_se",
            )
        ]
        assert numbers == pytest.approx(np.array(known, float), rel=1e-12, nan_ok=True)
        assert line["n"] == (row.accuracy.n if row.accuracy else 0)


def test_published_digits_equal_the_page():
    assert_equals_page(records.read(DIGITS))


@pytest.mark.parametrize("seeds", [0, 1, 3, 4, 5, 10])
def test_equals_the_page(make, seeds: int):
    assert_equals_page(make(FOUR, seeds=seeds))


def test_equals_the_page_where_runs_diverged(make):
    found = make(FOUR, esam={"outcome": "diverged"})
    lost = [
        dataclasses.replace(r, outcome="diverged")
        if (r.variant, r.stage) == ("asam", "confirm") and r.seed < 1006
        else r
        for r in found.records
    ]
    assert_equals_page(Records(found.header, tuple(lost)))


def second(make, epochs: int = 10, **accuracies: float) -> Records:
    """A study with both baselines; the tuned one chose so many epochs."""
    found = make(
        {**FOUR, EQUAL_EPOCHS: 0.9, **accuracies},
        plain={"epochs": epochs},
        **{EQUAL_EPOCHS: {"key": "plain", "rho": None, "hyperparameters": "{}"}},
    )
    found.header["spaces"][EQUAL_EPOCHS] = {"lr": found.header["spaces"]["plain"]["lr"]}
    return found


def test_each_ranking_has_its_own_baseline(make):
    found = second(make, epochs=20)
    table = table_of(found)
    compute, epochs = (own for _, own in table.groupby("ranking", sort=False))
    assert_equals_page(found)
    assert set(compute["variant"]) == set(FOUR)
    assert set(epochs["variant"]) == {EQUAL_EPOCHS, "sam", "asam", "esam"}
    for own, label in ((compute, "plain"), (epochs, EQUAL_EPOCHS)):
        assert list(own[own["difference"].isna()]["variant"]) == [label]
        means = own.set_index("variant")["mean"]
        differences = own.set_index("variant")["difference"].dropna()
        for variant, d in differences.items():
            assert d == pytest.approx(means[variant] - means[label])
    assert rankings(found).unranked == ""
    runs = results.table(rankings(found))
    assert len(runs) == 2 * 4 * 10
    assert set(runs.query("ranking == 'equal-epochs'")["variant"]) == set(epochs["variant"])


def test_one_baseline_serves_both_rankings_where_it_ran_the_epochs_of_the_others(make):
    compute, epochs = (
        own.drop(columns="ranking").reset_index(drop=True)
        for _, own in table_of(make(FOUR)).groupby("ranking", sort=False)
    )
    assert compute.equals(epochs)


def test_without_a_baseline_of_equal_epochs_that_ranking_is_empty_and_says_so(make):
    found = make(FOUR, plain={"epochs": 20})
    assert set(table_of(found)["ranking"]) == {"equal-compute"}
    assert rankings(found).unranked == (
        "equal-epochs: no plain was tuned at the study's 10 epochs; set equal_epochs = true"
    )
