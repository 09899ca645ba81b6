"""Tuning curves, their bands, and what is read from them."""

import re
from fractions import Fraction
from math import sqrt

import pytest
from scipy import stats as scipy

from sambench import analysis
from sambench.analysis import analyse, curves, inner
from sambench.analysis.evidence import Evidence
from sambench.analysis.tables import tuning
from sambench.records import Records
from sambench.stats import claims
from tests.sambench.analysis.conftest import changed, of, row, with_runs, without
from tests.sambench.conftest import Make

WIN = {"plain-x0.5": 0.88, "plain": 0.87, "sam": 0.84, "esam": 0.93}


@pytest.fixture(scope="module")
def study(make: Make) -> Records:
    """sam affords 4 trials, esam 5 1/3; the bands of the study are stored with it."""
    found = make(WIN)
    drawn = analysis.bands(found)
    assert drawn
    return with_runs(found, found.records, bands=drawn.model_dump())


def test_curves_go_from_the_smallest_trials_to_the_budget(study: Records):
    found = tuning.table(Evidence(study))
    trials = {str(label): list(own["trials"]) for label, own in found.groupby("variant")}
    assert trials == {
        "plain-x0.5": list(range(4, 17)),
        "plain": [4, 5, 6, 7, 8],
        "sam": [4],
        "esam": [4, 5, pytest.approx(16 / 3)],
    }
    ends = found.groupby("variant")["evaluations"].max()
    assert list(ends) == pytest.approx([8, 8, 8, 8])
    esam = found.query("variant == 'esam'")
    assert list(esam["evaluations"]) == pytest.approx([6, 7.5, 8])
    last = {own["variant"]: own for own in found.to_dict("records")}
    for own in analyse(study).rows:
        at = last[own.label]
        assert own.score and (at["score"], at["low"], at["high"]) == (
            own.score.value, own.score.low, own.score.high,
        )  # fmt: skip


def test_bands_are_wider_than_intervals_by_the_stored_width(study: Records):
    found = tuning.table(Evidence(study))
    t = float(scipy.t.ppf(0.975, 9))
    wider = (found["band_high"] - found["score"]) / (found["high"] - found["score"])
    width = study.header["bands"]["curves"]
    assert width > t and list(wider) == pytest.approx([width / t] * len(found))
    plain = with_runs(study, study.records, bands=None)
    assert tuning.table(Evidence(plain))["band_low"].isna().all()


def test_bands_are_a_function_of_the_study(study: Records):
    drawn = analysis.bands(study)
    assert drawn and drawn.model_dump() == study.header["bands"]
    other = {**study.header["spec"], "seed": 1}
    again = analysis.bands(with_runs(study, study.records, spec=other))
    assert again and again != drawn and again.curves == pytest.approx(drawn.curves, rel=0.05)
    assert analysis.bands(with_runs(study, [])) is None


def test_pairs_meet_at_equal_evaluations(study: Records):
    """Two arms of one cost meet at their trials; others where either has a point."""
    places: dict[tuple[str, str], list[float]] = {}
    evidence = Evidence(study)
    for pair in curves.pairs(evidence):
        places.setdefault(pair.labels, []).append(float(pair.evaluations))
        for label, tuned in zip(pair.labels, pair.tuned, strict=True):
            k = pair.evaluations / evidence.cost(label)
            known = evidence.pools[label].tuned(k)
            assert known and tuned.score == known.score
    assert places["plain", "esam"] == pytest.approx([6, 7, 7.5, 8])
    assert places["plain-x0.5", "plain"] == pytest.approx([4 + i / 2 for i in range(9)])
    assert places["plain", "sam"] == [8] and len(places) == 6


def test_orders_are_what_the_band_excludes(study: Records):
    evidence = Evidence(study)
    width = study.header["bands"]["differences"]
    sure: dict[tuple[str, str], list[Fraction]] = {}
    for pair in curves.pairs(evidence):
        a, b = pair.tuned
        gap = claims.contrast(a, b, 5)
        if abs(gap.difference) > width * gap.error:
            order = pair.labels if gap.difference > 0 else pair.labels[::-1]
            sure.setdefault(order, []).append(pair.evaluations)
    told = analyse(study).orders
    assert sure and {line.split(" lies above ")[0] for line in told} == {a for a, _ in sure}
    for (above, below), places in sure.items():
        line = next(line for line in told if line.startswith(f"{above} lies above "))
        first, last = min(places), max(places)
        words = (
            f"at {float(last):g} runs"
            if first == last
            else (f"from {float(first):g} to {float(last):g} runs")
        )
        part = next(part for part in line.split("; above ") if re.search(rf"\b{below}\b", part))
        assert words in part
    assert analyse(with_runs(study, study.records, bands=None)).orders == ()


def test_equal_trials_compare_arms_of_one_length(study: Records):
    found = {own.label: own for own in analyse(study).equal}
    evidence = Evidence(study)
    four = {label: pool.tuned(4) for label, pool in evidence.pools.items()}
    assert {own.trials for own in found.values()} == {4}
    assert [own.length for own in analyse(study).equal] == [1, 1, 1, 0.5]
    for label in ("sam", "esam"):
        mine, plain = four[label], four["plain"]
        assert mine and plain and found[label].plain == "plain"
        gap = claims.contrast(mine, plain, 5)
        apart = found[label].difference
        assert apart and (apart.value, apart.low, apart.high) == (gap.difference, *gap.interval)
        assert found[label].score.value == float(mine.score)
    assert found["plain"].plain is None and found["plain-x0.5"].difference is None


def test_halves_are_what_two_kinds_of_processors_say(study: Records):
    """Their points are apart, so that their errors add up."""
    old = {"instructions": "DEFAULT"}
    found = changed(study, lambda r: r.stage == "pool" and r.point % 2 == 0, **old)
    halves = {half.label: half for half in analyse(found).halves}
    assert set(halves) == set(WIN) and analyse(study).halves == ()
    half, pool = halves["plain"], Evidence(study).pools["plain"]
    assert half.machines == ("Example CPU, AVX2", "Example CPU, DEFAULT")
    odd, even = (pool.among({i for i in range(40) if i % 2 == rest}) for rest in (1, 0))
    a, b = odd.tuned(pool.trials), even.tuned(pool.trials)
    assert a and b and half.difference.value == pytest.approx(float(a.score - b.score))
    assert [own.value for own in half.scores] == [float(a.score), float(b.score)]
    assert half.error == pytest.approx(sqrt(a.error**2 + b.error**2))
    freedom = 2 * 20 // 8 - 1
    t = float(scipy.t.ppf(0.975, freedom))
    assert half.scores[0].high == pytest.approx(float(a.score) + t * a.error)
    assert half.difference.high == pytest.approx(
        half.difference.value + float(scipy.t.ppf(0.975, 9)) * half.error
    )


def test_the_inner_part_is_the_same_study_with_fewer_points(study: Records):
    """A tenth of three decades of lr from either end, and of the radius as well."""
    outside = [
        r
        for r in study.records
        if r.stage != "setting"
        and not (0.001995 < r.lr < 0.501187 and (r.rho is None or 0.014788 < r.rho < 0.338117))
    ]
    kept = Evidence(without(study, outside))
    left = {label: inner.inner(Evidence(study))[label] for label in WIN}
    for label in WIN:
        points = {r.point for r in of(study, label, "pool")} - {
            r.point for r in outside if r.variant == label
        }
        assert set(left[label].influence) == points
        assert set(kept.pools[label].ranking.points) == points
    found = analyse(study)
    plain = row(found, "plain").inner
    assert plain and plain.value == float(left["plain"].score)
    assert found.inner.startswith("esam beats plain: ") or found.inner.startswith("No variant")


def test_the_inner_headline_needs_all_arms(study: Records):
    """Eight points of sam lie inside: of six no search of four says anything without one."""
    lost = [
        r
        for r in study.records
        if r.variant == "sam" and r.point in [p.point for p in of(study, "sam", "pool")][:17]
    ]
    moved = changed(study, lambda r: r in lost, lr=0.001)
    assert analyse(moved).inner == "" and row(analyse(moved), "sam").inner is None
