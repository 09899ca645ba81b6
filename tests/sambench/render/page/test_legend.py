"""Every word of the ranking is explained, and none that is not there."""

from dataclasses import replace

import pytest
from boards import SIZE, board, row

from sambench.render.page.legend import legend
from sambench.render.page.limits import limits
from sambench.render.tables import ranking

RANKED = [row("sam", 0.92, "a"), row("plain-x0.5", 0.9, "b"), row("plain", 0.89, "b")]


def words(found: list[str]) -> list[str]:
    return [line.partition(":")[0] for line in found]


@pytest.mark.parametrize("kind", ["pool", "fixed"])
def test_every_column_has_its_line(kind: str):
    found = board(RANKED, kind=kind)
    told = " ".join(legend(found))
    for name in ranking.table(found).names:
        term = {"test accuracy, %": "test accuracy:", "tuned(k), %": "tuned(k):"}.get(name, name)
        assert term.partition(" plain-x0.5")[0] in told, name


def test_thresholds_are_those_of_the_study():
    told = " ".join(legend(board(RANKED)))
    assert "adjusted for 1 arm. An arm beats plain where it is below 0.025." in told
    assert "(all pairs, two-sided, Holm, 0.05)" in told
    later = board(RANKED, size=replace(SIZE, extension=1, alpha=0.025))
    told = " ".join(legend(later))
    assert "below 0.0125." in told and "Holm, 0.025)" in told


def test_what_is_not_shown_is_not_explained():
    found = board([row("sam", None), row("plain", None)])
    assert words(legend(found)) == ["arm", "tuned(k)", "trials k", "cost of a run"]
    alone = board([row("plain")])
    assert words(legend(alone)) == ["arm", "tuned(k)", "trials k", "group", "cost of a run"]


def test_schedules_of_plain_and_of_others_are_told():
    assert legend(board(RANKED))[0].endswith("plain had 0.5 and 1; the others 1.")
    longer = board([*RANKED, row("sam-x2", 0.8, "c")])
    assert legend(longer)[0].endswith("plain had 0.5 and 1; of the others sam-x2 2, the rest 1.")
    assert legend(board([row("sam", None)]))[0].endswith("the length of its schedule.")


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
