"""What stands at the top of a page."""

from dataclasses import replace

from boards import board, estimate, row

from sambench.analysis import Estimate
from sambench.render.page.answer import answer, unranked


def test_the_recommendation_then_how_sure_it_is():
    plain = replace(row("plain", 0.9, "b"), score=estimate(0.9, 0.02))
    rows = [row("asam", 0.92, "a"), row("sam", 0.91, "ab"), plain]
    (use, advice), (name, sure) = answer(board(rows, advice="asam with lr 0.1."))
    assert (use, advice, name) == ("Use this", "asam with lr 0.1.", "How sure")
    assert sure == (
        "asam is not separated from sam. 95% intervals of the scores are ±1.00 to ±2.00 points, "
        "with the luck of search and training in them; each pool is as large as 5 searches."
    )


def test_one_that_is_separated_from_all_says_so():
    told = dict(answer(board([row("sam", 0.92, "a"), row("plain", 0.9, "b")])))
    assert told["How sure"].startswith("sam is separated from all others. 95% intervals of the ")
    assert " are ±1.00 points, " in told["How sure"]


def test_the_only_one_that_is_ranked_is_separated_from_nobody():
    only = [
        row("plain", 0.9, "a"),
        replace(row("sam", 0.8), group="", why="only 2 of the 3 trials"),
    ]
    told = dict(answer(board(only, use="plain")))
    assert told["How sure"].startswith("95% intervals of the scores are ")


def test_an_undecided_study_still_says_how_wide_its_intervals_are():
    rows = [row("sam", 0.92, "a"), row("plain", 0.9, "a")]
    told = dict(answer(board(rows, use=None, advice="undecided: 12 searches would tell.")))
    assert told["Use this"] == "undecided: 12 searches would tell."
    assert told["How sure"].startswith("95% intervals of the scores")


def test_fixed_settings_have_the_luck_of_training_alone():
    told = dict(answer(board([row("sam"), row("plain")], kind="fixed")))
    assert told["How sure"].endswith("±1.00 points, over training.")


def test_where_nothing_is_concluded_nothing_is_sure():
    found = board([row("sam", None), row("plain", None)], use=None, kind="partial", advice="no.")
    assert answer(found) == [("Use this", "no.")]
    bare = replace(row("plain"), score=Estimate(0.9))
    assert answer(board([bare], use=None)) == [("Use this", "sam.")]


def test_settings_alone_recommend_nothing():
    found = board([row("sam", None), row("plain", None)], kind="adaptive")
    assert answer(found) == [] and unranked(found) == []


def test_who_is_not_ranked_is_told_by_reason():
    rows = [row("plain"), row("sam", None), row("asam", None), row("gam", None, why="too few")]
    assert unranked(board(rows)) == [
        "sam and asam: only 2 of the 3 trials that are needed.",
        "gam: too few.",
    ]
    assert unranked(board(rows[:1])) == []


def test_a_reason_that_holds_of_all_is_left_to_the_headline():
    rows = [row(label, None, why="nothing is concluded") for label in ("plain", "sam")]
    assert unranked(board(rows)) == []
