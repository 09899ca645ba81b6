"""Pools read from records, against all searches that they contain, and against real ones."""

import csv
from collections import defaultdict
from fractions import Fraction
from itertools import accumulate, combinations, pairwise
from math import comb, sqrt
from pathlib import Path

import numpy as np
import pytest

from sambench.analysis import analyse
from sambench.analysis.evidence import Evidence
from sambench.analysis.pool import Pool
from sambench.config import Arm, Space
from sambench.records import Records, unpack
from sambench.stats import Ranking, claims
from tests.sambench.analysis.conftest import DIVERGED, FAILED, changed, of, row, with_runs, without
from tests.sambench.conftest import Make

SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(scope="module")
def study(make: Make) -> Records:
    """k = 3 of 15 points for plain and, by its half schedule, 6 of 30."""
    return make({"plain-x0.5": 0.89, "plain": 0.87}, budget=3.0)


def enumerated(found: Records, variant: str, k: int) -> Fraction:
    """Mean test score over all searches of k points whose winner ran again."""
    pool = {r.point: r.val["accuracy"] for r in of(found, variant, "pool")}
    pool = {point: val for point, val in pool.items() if val is not None}
    tests: dict[int, list[Fraction]] = defaultdict(list)
    for r in of(found, variant, "confirm"):
        if r.outcome == "complete":
            tests[r.point].append(Fraction(round((r.test["accuracy"] or 0) * 600), 600))
    scores = {point: sum(own) / len(own) for point, own in tests.items()}
    total, num = Fraction(), Fraction()
    for draw in combinations(pool, k):
        best = max(pool[point] or 0 for point in draw)
        equals = [i for i in draw if pool[i] == best and i in scores]
        if equals:
            total += sum((scores[i] for i in equals), Fraction()) / len(equals)
            num += 1
    return total / num


def test_the_score_is_the_mean_over_all_searches(study: Records):
    found = analyse(study)
    for own in found.rows:
        if own.label == "plain":
            assert (own.trials, own.points, own.planned) == (3, 15, 15)
            assert own.score and own.score.value == float(enumerated(study, "plain", 3))
    assert {own.label for own in found.rows} == {"plain", "plain-x0.5"}


def test_points_stay_points_when_rows_change_places(study: Records):
    places = np.random.default_rng(0).permutation(len(study.records))
    shuffled = with_runs(study, [study.records[i] for i in places])
    assert analyse(shuffled) == analyse(study)


def test_reruns_that_diverge_leave_the_mean(study: Records):
    lost = {(r.point, r.rerun) for r in of(study, "plain", "confirm") if r.rerun == 1}
    found = changed(
        study,
        lambda r: (r.variant, r.stage) == ("plain", "confirm") and (r.point, r.rerun) in lost,
        **DIVERGED,
    )
    own = row(analyse(found), "plain")
    assert own.score and own.score.value == float(enumerated(found, "plain", 3))
    assert own.diverged_reruns == len(lost) and own.reruns == len(of(study, "plain", "confirm"))
    low, high = own.diverged_share
    assert low < own.diverged_reruns / own.reruns < high


def test_points_that_diverge_rank_last_and_leave_searches_without_survivor(study: Records):
    """The last five of 15: comb(5, 3) / comb(15, 3) searches have none."""
    ranking = Ranking.of({r.point: r.val["accuracy"] for r in of(study, "plain", "pool")})
    worst = set(ranking.points[-5:])
    found = changed(
        study,
        lambda r: (r.variant, r.stage) == ("plain", "pool") and r.point in worst,
        **{**DIVERGED, "val": {"accuracy": None, "loss": None}},
    )
    own = row(analyse(found), "plain")
    assert own.diverged_points == 5 and own.points == 15
    assert own.no_survivor == pytest.approx(comb(5, 3) / comb(15, 3))


def test_a_failed_run_is_no_point_and_no_rerun(study: Records):
    """It says nothing about its setting: it is repeated."""
    found = changed(study, lambda r: (r.variant, r.point) == ("plain", 3), **FAILED)
    own = row(analyse(found), "plain")
    assert own.why == "its pool has 14 of 15 points"
    assert "plain: " in " ".join(analyse(found).warnings)


def test_runs_that_cost_far_less_than_declared_outgrow_their_pool(study: Records):
    """At an eighth of its declared passes plain affords 24 trials, of 15 points."""
    found = changed(study, lambda r: r.variant == "plain", gradient_evaluations=15.0)
    own = row(analyse(found), "plain")
    assert own.why == "a search would take 24 of 15 points"
    assert own.score is None


def test_missing_reruns_are_counted(study: Records):
    again = of(study, "plain", "confirm")
    found = analyse(without(study, again[:2]))
    assert row(found, "plain").why == f"2 of {len(again)} reruns of its best points are missing"


def test_trials_follow_the_counted_evaluations(study: Records):
    """The median of complete runs; whole passes or not, as a fraction."""
    found = changed(
        study,
        lambda r: r.variant == "plain" and r.stage == "pool",
        gradient_evaluations=0.9 * 120,
    )
    own = row(analyse(found), "plain")
    assert own.trials == pytest.approx(3 / 0.9) and own.planned == 15
    assert own.cost and own.cost.ratio == pytest.approx(0.9)


def test_scores_of_another_unit_are_the_decimals_of_the_records(study: Records):
    other = {"unit": "nats", "items": None}
    header = {**study.header, "scores": [s | other for s in study.header["scores"]]}
    evidence = Evidence(Records(header, study.records))
    runs = evidence.runs["plain"]["confirm"]
    scores, of = evidence.scores(runs)
    exact = [Fraction(repr(test)) for test in runs["test"].tolist()]
    assert [Fraction(score, of) for score in scores] == exact


def test_items_are_weighed_as_the_score(make: Make):
    found = make({"plain": 0.9, "sam": 0.92}, budget=6.0)
    known = {label: weighed_items(found, label) for label in ("plain", "sam")}
    apart = known["sam"] - known["plain"]
    error = row(analyse(found), "sam").test_set_error
    assert error == pytest.approx(apart.std(ddof=1) / sqrt(600))
    assert known["sam"].mean() == pytest.approx(row(analyse(found), "sam").score.value)  # pyright: ignore


def weighed_items(found: Records, variant: str) -> np.ndarray:
    """Share of right answers by item; weights by their formula, where no validation scores tie."""
    pool = {r.point: r.val["accuracy"] for r in of(found, variant, "pool")}
    ranking = Ranking.of({**pool})
    n, k = len(pool), 3 if variant == "sam" else 6
    edges = [0, *accumulate(ranking.blocks)]
    again = defaultdict(list)
    for r in of(found, variant, "confirm"):
        again[r.point].append(unpack(r.items["accuracy"], 600))
    total, held = np.zeros(600), 0.0
    for start, end in pairwise(edges):
        members = [p for p in ranking.points[start:end] if p in again]
        weight = sum(comb(n - 1 - r, k - 1) for r in range(start, end)) / comb(n, k)
        for point in members:
            total += weight / len(members) * np.mean(again[point], axis=0)
        held += weight if members else 0
    return total / held


REAL = {
    "": {"asam": (90.51, 0.46), "sam": (89.82, 0.65), "plain-x0.5": (88.92, 0.38),
         "plain": (86.56, 0.79), "plain-x2": (82.54, 1.18)},
    "-second": {"asam": (90.52, 0.48), "plain-x0.5": (88.81, 0.55), "plain": (88.46, 0.73)},
}  # fmt: skip
LABELS = {"0.5": "plain-x0.5", "1.0": "plain", "2.0": "plain-x2"}


def real(which: str) -> dict[str, Pool]:
    """40 points an arm on digits with 40% wrong labels."""
    val: dict[str, dict[int, float | None]] = defaultdict(dict)
    for line in lines(f"digits-noise40-pool{which}.csv"):
        val[label_of(line)][int(line["point"])] = float(line["val"])
    tests: dict[str, dict[int, list[Fraction]]] = defaultdict(lambda: defaultdict(list))
    trials = {}
    for line in lines(f"digits-noise40-reruns{which}.csv"):
        score = Fraction(round(float(line["test"]) * 600), 600)
        tests[label_of(line)][int(line["point"])].append(score)
        trials[label_of(line)] = Fraction(line["k"])
    found = {}
    for label, own in tests.items():
        ranking = Ranking(Ranking.of(val[label]).points, (1,) * 40)  # as if no scores tied
        confirmed = ranking.points[: len(own)]
        assert set(confirmed) == set(own)
        found[label] = Pool(
            arm=Arm(label=label, key=label, length=1, epochs=10, passes=1, lr=None, fix={},
                    space={"lr": Space(low=0.001, high=1.0, log=True)}, radius=None),
            trials=trials[label],
            smallest=4,
            planned=40,
            ranking=ranking,
            due=tuple(len(own[point]) for point in confirmed),
            scores=tuple(sum(own[point], Fraction()) / len(own[point]) for point in confirmed),
            ended=tuple(len(own[point]) for point in confirmed),
        )  # fmt: skip
    return found


def lines(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((SHARED / name).read_text().splitlines()))


def label_of(line: dict[str, str]) -> str:
    return LABELS[line["factor"]] if line["arm"] == "plain" else line["arm"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the pools stay outside the project")
@pytest.mark.parametrize("which", REAL)
def test_real_pools(which: str):
    """Against numbers that weigh ranks alone, equal scores in order of their points."""
    pools = real(which)
    for label, (score, error) in REAL[which].items():
        found = pools[label].tuned(pools[label].trials)
        assert found and not pools[label].why
        assert 100 * float(found.score) == pytest.approx(score, abs=0.005)
        assert 100 * found.error == pytest.approx(error, abs=0.005)
    arms = {label: pool.tuned(pool.trials) for label, pool in pools.items()}
    asam, plain = arms["asam"], arms["plain-x0.5"]
    assert asam and plain
    lead = claims.contrast(asam, plain, 5)
    half = (lead.interval[1] - lead.interval[0]) / 2
    known = {"": (1.6, 1.15), "-second": (1.7, 1.75)}[which]
    assert (100 * lead.difference, 100 * half) == pytest.approx(known, abs=0.06)
