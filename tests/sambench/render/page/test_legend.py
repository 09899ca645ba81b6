"""Every word of the tables is explained, and none that is not there."""

from dataclasses import replace

import pytest
from boards import SIZE, board, row

from sambench.analysis import Estimate, Leaderboard, Row
from sambench.render.page.legend import legend
from sambench.render.page.limits import limits
from sambench.render.tables import ranking

RANKED = [row("sam", 0.92, "a"), row("plain-x0.5", 0.9, "b"), row("plain", 0.89, "b")]


def words(found: Leaderboard) -> list[str]:
    return [term for term, _ in legend(found)]


@pytest.mark.parametrize("kind", ["pool", "fixed"])
def test_every_column_of_numbers_has_its_term(kind: str):
    found = board(RANKED, kind=kind)
    terms = words(found)
    shown = [*ranking.table(found).names, *ranking.each_plain(found).names]
    for name in shown:
        term = name.removesuffix(", %").removesuffix(" [95% CI]")
        for label in ("plain-x0.5", "plain"):
            term = {f"minus {label}": "minus plain", f"p over {label}": "p over plain"}.get(
                term, term
            )
        assert term in terms or term == "beats plain", name
    assert len(terms) == len(set(terms))
    assert ("trials k" in terms, "seeds" in terms) == (kind == "pool", kind == "fixed")


def test_thresholds_are_those_of_the_study():
    told = dict(legend(board(RANKED)))
    assert told["Holm p"].endswith("for 1 arm. An arm beats plain where it is below 0.025.")
    assert "(all pairs, two-sided, Holm, 0.05)" in told["group"]
    later = board(RANKED, size=replace(SIZE, extension=1, alpha=0.025))
    told = dict(legend(later))
    assert told["Holm p"].endswith("below 0.0125.") and "Holm, 0.025)" in told["group"]


def test_what_is_not_shown_is_not_explained():
    bare = ["arm", "tuned(k)", "±", "cost of a run", "trials k", "points", "seconds"]
    assert words(board([row("sam", None), row("plain", None)])) == bare
    assert words(board([row("plain")])) == [*bare[:4], "group", *bare[4:]]


def test_an_interval_that_is_cut_is_explained_where_there_is_one():
    assert "cut" not in dict(legend(board(RANKED)))["±"]
    cut = replace(RANKED[0], score=Estimate(0.995, 0.98, 1.0))
    assert dict(legend(board([cut, *RANKED[1:]])))["±"].endswith("written [low, high].")


def test_schedules_of_plain_and_of_others_are_told():
    def told(*rows: Row) -> str:
        return dict(legend(board(rows)))["arm"]

    assert told(*RANKED).endswith("plain had 0.5 and 1; the others 1.")
    longer = told(*RANKED, row("sam-x2", 0.8, "c"))
    assert longer.endswith("plain had 0.5 and 1; of the others sam-x2 2, the rest 1.")
    assert told(row("sam", None)).endswith("the length of its schedule.")


def test_limits_say_what_can_hide_in_a_tie():
    rows = [replace(RANKED[0], detectable=0.011), row("asam", 0.9, "b", detectable=0.02)]
    plain = [replace(one, detectable=None) for one in RANKED[1:]]
    found = limits(board([*rows, *plain]))
    assert "(80% power), in points: 1.10 to 2.00, depending on the arm." in found[0]
    assert "search and training" in found[1] and "600 items" in found[1]
    assert "ranges and schedules" in found[2]
    assert limits(board(plain))[0] == found[1]


def test_limits_of_other_kinds():
    assert "nothing was tuned for anybody" in " ".join(limits(board(RANKED, kind="fixed")))
    assert "another search may find another" in limits(board(RANKED, kind="adaptive"))[0]
