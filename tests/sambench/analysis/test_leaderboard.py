"""The answer, on made-up studies whose truth is known."""

import copy
import dataclasses
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from sambench.analysis import Leaderboard, analyse
from sambench.analysis.evidence import Evidence
from sambench.analysis.ranked import rank
from sambench.records import Record, Records
from sambench.stats import claims
from tests.sambench.analysis.conftest import (
    DIVERGED,
    FAILED,
    asking,
    changed,
    of,
    row,
    with_runs,
    without,
)
from tests.sambench.conftest import Make

WIN = {"plain-x0.5": 0.88, "plain": 0.87, "plain-x2": 0.83, "sam": 0.89, "asam": 0.93}
TIE = {"plain-x0.5": 0.9, "plain": 0.9, "plain-x2": 0.9, "sam": 0.925}


@pytest.fixture(scope="module")
def win(make: Make) -> Records:
    return make(WIN)


@pytest.fixture(scope="module")
def answer(win: Records) -> Leaderboard:
    return analyse(win)


def contest(study: Records) -> Any:
    return rank(Evidence(study)).contest


def test_a_clear_win(win: Records, answer: Leaderboard):
    assert answer.kind == "pool" and answer.rows[0].label == "asam"
    asam = row(answer, "asam")
    lead = next(own for own in asam.against if own.label == "plain-x0.5").difference
    low, high = lead.low or 0, lead.high or 0
    assert answer.headline == (
        f"asam beats plain: {100 * lead.value:+.2f} points [{100 * low:+.2f}, {100 * high:+.2f}] "
        "over the best plain (half the schedule) at a budget of 8 runs."
    )
    assert asam.wins and asam.beats is not None and asam.beats < 0.025 and asam.group == "a"
    assert answer.counts["confirm"]["complete"] == len(
        [r for r in win.records if r.stage == "confirm"]
    )
    assert answer.warnings == () and answer.num_items == 600


def test_claims_are_those_of_the_statistics(win: Records, answer: Leaderboard):
    """Each by its hardest plain, Holm over two rivals, nine degrees of freedom."""
    arms = contest(win).arms
    plains = ["plain-x0.5", "plain", "plain-x2"]
    worst = {
        label: max(claims.contrast(arms[label], arms[base], 5).p_above for base in plains)
        for label in ("sam", "asam")
    }
    first, second = sorted(worst, key=worst.__getitem__)
    assert row(answer, first).beats == pytest.approx(min(1, 2 * worst[first]))
    assert row(answer, second).beats == pytest.approx(max(2 * worst[first], worst[second]))
    for label in worst:
        found = row(answer, label)
        assert {own.label: own.p for own in found.against} == pytest.approx(
            {base: claims.contrast(arms[label], arms[base], 5).p_above for base in plains}
        )
        assert found.detectable == pytest.approx(
            claims.detectable(arms[label].error_against(arms["plain-x0.5"]), 5, 2)
        )
    for base in plains:
        plain = row(answer, base)
        assert (plain.against, plain.beats, plain.wins, plain.detectable) == ((), None, False, None)


def test_the_recommendation_is_the_cheapest_within_the_margin(win: Records, answer: Leaderboard):
    assert answer.use == "asam" and answer.searches_needed is None
    assert re.fullmatch(
        r"asam with lr 0\.032, rho 0\.071, 10 epochs: test accuracy 9\d\.\d\d ± \d\.\d\d% over 5 "
        r"runs\. A run costs 2 full runs of plain\. No other ranked arm exceeds it by more than "
        r"1 point \(95%\); no cheaper arm is as sure\.",
        answer.advice,
    )
    generous = analyse(asking(win, margin=50.0))
    assert generous.use == "plain-x0.5" and generous.headline == answer.headline
    assert "by more than 50 points (95%); none is cheaper." in generous.advice


def test_a_cheaper_arm_that_is_not_separated_is_named_with_what_speaks_against_it(make: Make):
    """The rule of the recommendation, so that nobody wonders why not the cheaper one."""
    study = make({"plain": 0.9, "sam": 0.92})
    found = analyse(study)
    assert found.use == "sam" and row(found, "sam").group == row(found, "plain").group
    most = 100 * contest(study).contrast("sam", "plain").interval[1]
    assert most > 1 and found.advice.endswith(
        "; no cheaper arm is as sure. plain, at 1 full run of plain, is not separated from "
        f"sam, but sam may lie {most:.2f} points above it."
    )


def test_undecided_says_how_many_searches_would_tell(win: Records):
    found = analyse(asking(win, margin=0.0001))
    if found.use is None:
        assert found.advice.startswith("undecided: any arm may be exceeded by more than 0.0001 po")
        told = re.search(r"about (\d+) searches would tell", found.advice)
        assert (int(told[1]) if told else None) == found.searches_needed
    tie = analyse(with_runs(win, [*of_twins(win)]))
    assert tie.use is not None or tie.searches_needed or "no affordable" in tie.advice


def of_twins(study: Records) -> list[Record]:
    """sam's runs are asam's."""
    rest = [r for r in study.records if r.variant != "sam"]
    twins = [replace(r, variant="sam", key="sam") for r in study.records if r.variant == "asam"]
    return [*rest, *twins]


def test_identical_arms_tie(win: Records):
    found = analyse(with_runs(win, of_twins(win)))
    sam, asam = row(found, "sam"), row(found, "asam")
    assert sam.score == asam.score and sam.group == asam.group == "a"
    assert contest(with_runs(win, of_twins(win))).contrast("sam", "asam").error == 0
    assert found.headline.startswith("asam beats plain: ")
    assert found.headline.endswith("at a budget of 8 runs; sam also beats it.")


@pytest.fixture(scope="module")
def tie(make: Make) -> Leaderboard:
    return analyse(make(TIE))


def test_no_win_of_the_only_variant_says_how_far_it_lies(tie: Leaderboard):
    assert re.fullmatch(
        r"sam does not beat plain at a budget of 8 runs: it lies "
        r"\+\d\.\d\d points \[-.+, \+.+\] from the best plain \(.+\), Holm p 0\.\d{3} where 0\.025 "
        r"is needed\.",
        tie.headline,
    )
    assert not any(own.wins for own in tie.rows)
    assert set(row(tie, "sam").group) & set(tie.rows[1].group)


def test_a_loss_is_called_worse(make: Make):
    found = analyse(make({**TIE, "sam": 0.84, "asam": 0.86}))
    assert re.search(
        r"^No variant beats plain .+: asam, the best of them, lies -\d.+ points \[-.+, -.+\] "
        r"from .+\); asam and sam are worse\.$",
        found.headline,
    )
    assert found.use and found.use.startswith("plain")


def test_few_searches_conclude_nothing(make: Make):
    found = analyse(make(WIN, searches=4))
    assert found.headline == (
        "Nothing is concluded: pools as large as 4 searches, and 5 are needed."
    )
    assert (found.kind, found.use, found.advice) == ("pool", None, "nothing yet.")
    assert all(own.why == "nothing is concluded" and not own.group for own in found.rows)
    assert not any(own.wins or own.beats for own in found.rows)
    assert found.orders == () and found.inner == ""
    asam = row(found, "asam")
    assert asam.score and asam.score.low is not None and len(asam.against) == 3


def test_one_search_has_no_score(make: Make):
    """A pool as large as its search has nothing to average over."""
    found = analyse(make({"plain": 0.9, "sam": 0.9}, searches=1))
    assert all(own.score is None for own in found.rows)
    assert found.headline == ("Nothing is concluded: pools as large as 1 search, and 5 are needed.")


def test_an_incomplete_plain_makes_the_answer_partial(win: Records):
    points = [r for r in win.records if r.variant == "plain-x2" and r.point >= 12]
    found = analyse(without(win, points))
    assert found.kind == "partial" and found.use is None
    assert found.headline == "Nothing is concluded yet: 8 of 180 points are missing."
    assert row(found, "plain-x2").why == "its pool has 12 of 20 points"
    assert row(found, "asam").why == "nothing is concluded" and not row(found, "asam").wins


def test_missing_reruns_of_a_plain_make_it_partial_too(win: Records):
    gone = of(win, "plain", "confirm")[:3]
    num = sum(r.stage == "confirm" for r in win.records)
    found = analyse(without(win, gone))
    assert found.headline == (
        f"Nothing is concluded yet: 3 of {num} reruns of the best points are missing."
    )


def test_an_incomplete_rival_is_left_out(win: Records):
    points = [r for r in win.records if r.variant == "sam" and r.point >= 12]
    found = analyse(without(win, points))
    assert found.kind == "pool" and found.use == "asam"
    assert found.rows[-1].label == "sam" and found.rows[-1].group == ""
    alone = analyse(without(without(win, points), [r for r in win.records if r.variant == "asam"]))
    assert alone.kind == "partial"


def test_an_arm_that_affords_two_trials_is_shown_and_not_ranked(make: Make):
    found = analyse(make({**WIN, "gam": 0.95}))
    gam = row(found, "gam")
    assert gam.why == "only 2 of the 3 trials that are needed" and gam.score and gam.group == ""
    assert found.kind == "pool" and found.use == "asam" and gam.against == ()
    assert "gam" not in {own.label for own in found.equal}


def test_fewer_lengths_of_plain_are_told(make: Make):
    found = analyse(make({"plain": 0.85, "asam": 0.93}))
    assert found.headline.endswith(
        "over plain (the full schedule) at a budget of 8 runs. Here plain ran at schedule length 1 "
        "only."
    )
    two = analyse(make({"plain": 0.85, "plain-x2": 0.85, "asam": 0.93}))
    assert two.headline.endswith(" Here plain ran at schedule lengths 1 and 2 only.")


def test_no_baseline_no_headline(make: Make, win: Records):
    found = analyse(make({"sam": 0.95}))
    assert found.headline.startswith("No headline: no arm of plain is ranked (")
    dear = analyse(make({"plain": 0.9, "sam": 0.9}, budget=2.0))
    assert dear.headline == (
        "No headline: no arm of plain is ranked (plain: only 2 of the 3 trials that are needed)."
    )
    nothing = analyse(with_runs(win, []))
    assert nothing.kind == "partial" and nothing.use is None and len(nothing.rows) == 5


def test_plain_alone_is_advised_and_compared_with_nothing(make: Make):
    found = analyse(make({"plain-x0.5": 0.9, "plain": 0.85, "plain-x2": 0.8}))
    assert found.headline == (
        "Only plain is ranked at a budget of 8 runs; there is nothing to compare it with."
    )
    assert found.use == "plain-x0.5" and " A run costs 0.5 full runs of plain. " in found.advice
    found = analyse(make({"plain": 0.85}))
    assert found.advice.endswith(" A run costs 1 full run of plain. No other arm is ranked.")


def test_an_extension_tests_at_half_the_level(win: Records, answer: Leaderboard):
    found = analyse(with_runs(win, win.records, extension=2))
    assert found.size.alpha == 0.0125 and found.size.extension == 2
    assert found.warnings == (
        "The study was concluded 2 times before, at other sizes: its claims are tested at 0.0125 "
        "instead of 0.05.",
    )
    asam = row(found, "asam")
    assert asam.beats == row(answer, "asam").beats and asam.wins == (
        asam.beats is not None and asam.beats < 0.00625
    )
    assert (asam.detectable or 0) > (row(answer, "asam").detectable or 0)


def test_an_adaptive_search_ranks_nothing(win: Records):
    found = analyse(asking(win, sampler="tpe"))
    assert (found.kind, found.use) == ("adaptive", None)
    assert found.headline == (
        "No ranking: tpe chooses a trial by those before it, so that its trials are no pool of "
        "independent points; it hands out settings."
    )
    asam = row(found, "asam")
    assert asam.setting and asam.setting.lr == 0.032 and asam.score is None
    assert asam.why == "tpe chooses a trial by those before it"
    assert found.equal == () and found.halves == ()


def fixed(study: Records, seeds: int = 10, planned: int | None = None) -> Records:
    """Runs of the settings to use, as many as seeds, of a study that searched nothing."""
    arms = {label: {**arm, "space": {}, "lr": 0.03} for label, arm in study.header["arms"].items()}
    spec = dict(study.header["spec"])
    spec["search"] = {"lr": 0.03}
    spec["confirm"] = {"seeds": planned or seeds}
    runs = []
    for label in arms:
        own = sorted(of(study, label, "confirm"), key=lambda r: (r.rerun, r.point))[:seeds]
        runs += [replace(r, point=0, rerun=j, rank=None) for j, r in enumerate(own)]
    return with_runs(study, runs, spec=spec, arms=arms, fits={})


def test_lengths_are_those_that_whole_epochs_gave(make: Make):
    """Half of 3 epochs is 2."""
    found = make({"plain-x0.5": 0.93, "plain": 0.9, "sam": 0.88})
    header = copy.deepcopy(dict(found.header))
    header["spec"]["train"]["epochs"] = 3
    for own, epochs in zip(header["arms"].values(), (2, 3, 3), strict=True):
        own["epochs"] = epochs
    board = analyse(Records(header, found.records))
    lengths = {row.label: row.length for row in board.rows}
    assert lengths == {"plain-x0.5": 2 / 3, "plain": 1, "sam": 1}
    assert "half the schedule" not in board.headline


def test_fixed_settings_are_compared_by_paired_seeds(win: Records):
    from scipy import stats as scipy

    study = fixed(win)
    found = analyse(study)
    assert found.kind == "fixed" and "at a budget" not in found.headline
    scores = {
        label: [r.test["accuracy"] or 0 for r in of(study, label, "confirm")] for label in WIN
    }
    for own in row(found, "asam").against:
        known = scipy.ttest_rel(scores["asam"], scores[own.label], alternative="greater")
        assert own.p == pytest.approx(known.pvalue, rel=1e-6)
    asam = row(found, "asam")
    mean, sem = sum(scores["asam"]) / 10, scipy.sem(scores["asam"])
    low, high = scipy.t.interval(0.95, 9, mean, sem)
    assert asam.score and (asam.score.value, asam.score.low, asam.score.high) == pytest.approx(
        (mean, low, high)
    )
    assert asam.setting and asam.setting.runs == 10 and asam.setting.score == asam.score
    assert (asam.trials, asam.points, asam.planned, asam.inner) == (0, 0, 0, None)
    assert asam.cost and asam.cost.ratio == 2


def test_few_seeds_conclude_nothing(win: Records):
    assert analyse(fixed(win, 4)).headline == (
        "Nothing is concluded: 4 paired seeds, and 5 are needed."
    )
    partial = analyse(fixed(win, 6, planned=8))
    assert partial.kind == "partial"
    assert partial.headline == "Nothing is concluded yet: 10 of 40 runs are missing."
    assert row(partial, "sam").why == "6 of its 8 seeds ran"
    assert analyse(fixed(win, 1, planned=10)).kind == "partial"


def test_a_fixed_setting_that_diverges_mostly_is_not_ranked(win: Records):
    study = changed(fixed(win), lambda r: r.variant == "sam" and r.rerun > 2, **DIVERGED)
    assert row(analyse(study), "sam").why == "only 3 of its 10 runs did not diverge"


def test_a_score_at_chance_level_is_warned_about(make: Make, win: Records):
    found = with_runs(win, win.records, chance=0.1017)
    assert analyse(found).warnings == ()
    low = make({"plain": 0.1, "sam": 0.1, "asam": 0.5})
    told = analyse(with_runs(low, low.records, chance=0.1017)).warnings
    assert len(told) == 1 and re.fullmatch(
        r"(plain and sam|sam and plain) score no better than chance: always naming the "
        r"most frequent class gets 10\.17%, so they may have learned nothing\.",
        told[0],
    )
    alone = analyse(with_runs(low, low.records, chance=0.0001)).warnings
    assert alone == ()


def test_what_a_study_found_before_its_first_run_comes_first(win: Records):
    fits = {**win.header["fits"], "asam": {**win.header["fits"]["asam"], "edges": ["rho"]}}
    found = analyse(with_runs(win, win.records, fits=fits, notes=["val: nothing there."]))
    assert found.warnings[0] == "val: nothing there." and len(found.warnings) == 2


def test_edges_are_warned_about(win: Records):
    fits = {**win.header["fits"]}
    fits["asam"] = {**fits["asam"], "edges": ["rho"]}
    found = analyse(with_runs(win, win.records, fits=fits))
    assert found.warnings == (
        "The rho to use of asam lies at an end of its search range (0.01 to 0.5); a better one may "
        "lie outside.",
    )


def test_runs_of_an_older_setting_are_not_the_setting_s(win: Records):
    fits = {**win.header["fits"]}
    fits["asam"] = {**fits["asam"], "setting": {"lr": 0.05, "rho": 0.071}}
    found = row(analyse(with_runs(win, win.records, fits=fits)), "asam")
    assert found.setting is None


def test_divergence_and_failures_are_told(win: Records):
    found = changed(win, lambda r: r in of(win, "asam", "confirm")[:2], **DIVERGED)
    found = changed(found, lambda r: r in of(win, "asam", "setting")[:1], **FAILED)
    told = " ".join(analyse(found).warnings)
    assert "asam diverged in 2 of 31 confirm runs (95%: 0.79% to 21.42%)" in told
    assert (
        "asam: 1 of 56 runs failed. No score counts it, and the study's command runs it again. "
        "What went wrong: out of memory."
    ) in told


def test_a_lost_run_is_of_no_machine(win: Records):
    """Nobody knows where its workers died."""
    nowhere = {"device": "", "processor": "", "instructions": ""}
    found = changed(win, lambda r: r in of(win, "asam", "setting")[:1], **FAILED, **nowhere)
    assert analyse(found).machines == analyse(win).machines


def test_times_are_of_one_machine(win: Records):
    """That of most runs: where an arm ran elsewhere too, only its runs there count."""
    slow = changed(
        win,
        lambda r: r.variant == "asam" and r.point % 2 == 1,
        instructions="SSE41",
        wall_s=99.0,
        step_time_s=9.0,
    )
    found = analyse(slow)
    assert found.timed_on == "Example CPU (AVX2), threads 1" and len(found.machines) == 2
    asam = row(found, "asam").cost
    assert asam and (asam.seconds, asam.step_time) == (4.8, 2.0)
    gone = analyse(changed(win, lambda r: r.variant == "asam", device="H100"))
    cost = row(gone, "asam").cost
    assert cost and cost.seconds is None and cost.step_time is None and cost.ratio == 2
    assert "H100 beside Example CPU (AVX2), threads 1" in gone.machines


def test_rows_of_arms_that_the_header_does_not_name(win: Records, answer: Leaderboard):
    arms = {label: arm for label, arm in win.header["arms"].items() if label != "sam"}
    found = analyse(with_runs(win, win.records, arms=arms))
    assert {own.label for own in found.rows} == set(WIN) - {"sam"}
    assert found.warnings == ("56 runs of arms that the header does not name: not counted.",)


def test_it_becomes_json(answer: Leaderboard):
    found = json.loads(json.dumps(dataclasses.asdict(answer)))
    assert found["rows"][0]["label"] == "asam" and found["size"]["searches"] == 5
