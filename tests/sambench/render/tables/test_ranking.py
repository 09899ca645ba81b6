"""What the ranking's cells say, and what they sort by."""

from dataclasses import replace

import pytest
from boards import board, estimate, row

from sambench.analysis import Against
from sambench.render.tables import ranking
from sambench.render.tables.table import Table

ROWS = [
    row("sam", 0.92, "a", wins=True),
    row("plain-x0.5", 0.91, "b"),
    row("plain", 0.9, "b"),
    row("gam", None, points=12, planned=20),
]


def column(table: Table, name: str) -> list[str]:
    return [line[table.names.index(name)] for line in table.texts]


def test_differences_are_from_the_best_plain():
    table = ranking.table(board(ROWS))
    assert table.names == [
        *("arm", "tuned(k), %", "cost of a run", "minus plain-x0.5 [95% CI]", "group"),
    ]
    assert column(table, "minus plain-x0.5 [95% CI]")[0] == "+1.00 [+0.00, +2.00]"
    assert column(table, "group") == ["a", "b", "b", "-"]
    assert table.caption == "Ranking at a budget of 8 full runs of plain"


def test_what_is_missing_is_a_dash():
    table = ranking.table(board(ROWS))
    assert [line[1] for line in table.texts] == [
        *("92.00 ± 1.00", "91.00 ± 1.00", "90.00 ± 1.00"),
        "-",
    ]
    assert column(table, "cost of a run") == ["2.00x", "0.50x", "1.00x", "2.00x"]
    assert column(table, "group") == ["a", "b", "b", "-"]
    free = replace(ROWS[0], cost=None)
    assert column(ranking.table(board([free, *ROWS[1:]])), "cost of a run")[0] == "-"


def test_cells_sort_by_numbers_and_the_used_arm_stands_out():
    table = ranking.table(board(ROWS, use="plain"))
    keys = [line[1].key for line in table.rows]
    assert keys == [0.92, 0.91, 0.9, None]
    assert table.marked == 2
    assert [line[0].note for line in table.rows] == ["", "", "recommended", ""]
    assert ranking.table(board(ROWS, use=None)).marked is None


def test_further_columns_stand_behind():
    table = ranking.table(board(ROWS), ranking.P, ranking.SEARCHED)
    assert table.names[5:] == ["Holm p", "trials k"]
    assert column(table, "Holm p") == ["0.010", "-", "-", "-"]
    assert column(table, "trials k") == ["4", "16", "8", "4"]


def test_without_a_ranked_plain_there_are_no_differences():
    table = ranking.table(board([row("sam", 0.92), row("plain", None)]))
    assert table.names == ["arm", "tuned(k), %", "cost of a run", "group"]


@pytest.mark.parametrize("budget", [8.0, 2.5])
def test_a_fraction_of_a_trial_is_written_short(budget: float):
    odd = replace(ROWS[0], trials=budget * 2 / 3)
    table = ranking.table(board([odd, *ROWS[1:]]), ranking.SEARCHED)
    text = column(table, "trials k")[0]
    assert text == {8.0: "5.333", 2.5: "1.667"}[budget]


def test_each_plain_has_its_p_and_the_difference_that_the_ranking_lacks():
    compared = [Against("plain", estimate(0.02), 0.004), Against("plain-x0.5", estimate(0.01), 0.2)]
    found = board([replace(ROWS[0], against=tuple(compared), beats=0.2, wins=False), *ROWS[1:]])
    table = ranking.each_plain(found)
    assert table.names == [
        *("arm", "p over plain-x0.5", "minus plain [95% CI]", "p over plain"),
        *("Holm p", "beats plain", "test-set SE"),
    ]
    assert table.texts == [["sam", "0.200", "+2.00 [+1.00, +3.00]", "0.004", "0.200", "no", "0.45"]]
