"""Whether two answers make the same claims: winners, separated pairs, whom to use."""

from dataclasses import replace

import pytest
from boards import board, estimate, row

from sambench.analysis import Against, Estimate
from sambench.render.agreement import claims_agree


def rows(sam: float = 0.92, *, wins: bool = True, groups: str = "abb", plain: float = 0.9):
    return [
        row("sam", sam, groups[0], wins=wins),
        row("plain", plain, groups[1]),
        row("plain-x2", 0.89, groups[2]),
    ]


def test_the_same_claims_agree_whatever_the_numbers():
    told = claims_agree(board(rows()), board(rows(0.915)))
    assert told == (
        "The published page agrees: the same winners, the same recommendation, and all 3 pairs of "
        "arms stand alike."
    )


def test_a_winner_and_its_pairs_that_differ_are_told_with_both_numbers():
    there = board(rows(0.906, wins=False, groups="aaa"), use="plain")
    assert claims_agree(board(rows()), there).splitlines() == [
        "The published page does not agree:",
        "- sam beats plain here, not there (sam minus plain: +2.00 here, +0.60 there, within their "
        "intervals)",
        "- here plain is below sam, there plain ties with sam (sam minus plain: +2.00 here, +0.60 "
        "there, within their intervals)",
        "- here plain-x2 is below sam, there plain-x2 ties with sam (sam minus plain-x2: +3.00 "
        "here, +1.60 there, within their intervals)",
        "- recommended here: sam, there: plain",
    ]


def test_the_plain_arm_that_decided_is_the_one_that_is_told():
    """It is the arm that was not beaten."""
    hardest = [
        Against("plain", estimate(0.02), 0.001),
        Against("plain-x2", estimate(0.003), 0.3),
    ]
    there = rows(wins=False)
    there[0] = replace(there[0], against=tuple(hardest))
    told = claims_agree(board(rows()), board(there))
    assert told.splitlines()[1].startswith("- sam beats plain here, not there (sam minus plain-x2")


@pytest.mark.parametrize(("sam", "word"), [(0.9341, "within"), (0.9342, "beyond")])
def test_beyond_is_more_than_both_intervals_together(sam: float, word: str):
    """Two independent halves of 1 point: sqrt 2 in all, 1.4142."""
    told = claims_agree(board(rows()), board(rows(sam, groups="aaa")))
    assert f", {word} their intervals)" in told


def test_pairs_that_the_study_does_not_pair_go_by_their_scores():
    """Both have twice the variance: sqrt 2 points each, 2 in all."""

    def study(asam: float, group: str):
        return board([row("asam", asam, "a"), row("sam", 0.9, group), row("plain", 0.9, "c")])

    for asam, word in ((0.9399, "within"), (0.9401, "beyond")):
        told = claims_agree(study(0.92, "b"), study(asam, "a"))
        assert f"asam minus sam: +2.00 here, {100 * asam - 90:+.2f} there, {word} their" in told


def test_an_unranked_study_agrees_with_nothing():
    unranked = board([row("sam", None), row("plain", None)])
    assert "this run ranks nothing" in claims_agree(unranked, board(rows()))
    assert "the published page ranks nothing" in claims_agree(board(rows()), unranked)


def test_another_question_is_not_compared_a_larger_study_is():
    here, there = board(rows()), board(rows())
    there.header["spec"]["search"]["searches"] = 10
    assert "agrees" in claims_agree(here, there)
    there.header["spec"]["search"]["budget"] = 12.0
    there.header["spec"]["train"]["epochs"] = 20
    assert claims_agree(here, there) == (
        "No comparison with the published page: it differs in train.epochs and search.budget."
    )


def test_arms_of_one_side_are_named():
    here = board([*rows(), row("asam", 0.88, "b")])
    assert claims_agree(here, board(rows())).endswith("Not on both sides: asam.")


def test_without_intervals_nothing_is_beyond_them():
    bare = [replace(one, score=Estimate(0.9)) for one in rows(wins=False, groups="aaa")]
    bare[0] = replace(bare[0], against=(Against("plain", Estimate(0.0), 0.5),))
    told = claims_agree(board(rows()), board(bare))
    assert "(sam minus plain: +2.00 here, +0.00 there)" in told


def test_a_plain_arm_of_one_side_decides_nothing_here():
    there = rows(wins=False)
    hardest = [Against("plain", estimate(0.02), 0.001), Against("plain-x2", estimate(0.0), 0.4)]
    there[0] = replace(there[0], against=tuple(hardest))
    told = claims_agree(board(rows()[:2]), board(there)).splitlines()
    assert told[0] == "The published page does not agree: Not on both sides: plain-x2."
    assert told[1].startswith("- sam beats plain here, not there (sam minus plain: +2.00 here")
    bare = [replace(there[0], against=tuple(hardest[1:])), *there[1:]]
    assert "- sam beats plain here, not there" in claims_agree(
        board(rows()[:2]), board(bare)
    ).split("\n")
