"""The leaderboard in a terminal of 80 columns."""

import io
from collections.abc import Callable

import pytest
from boards import board, row
from rich.console import Console

from sambench.analysis import Leaderboard, PublishedStudy
from sambench.render.markdown import page
from sambench.render.terminal import leaderboard

Study = Callable[..., PublishedStudy]
WIN = {"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83, "sam": 0.90, "asam": 0.925}


def text_of(found: Leaderboard, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(leaderboard.render(found))
    return console.export_text()


def test_it_shows_what_the_page_shows_in_80_columns(study: Study):
    made = study({**WIN, "gam": 0.91})
    text = text_of(made.leaderboard)
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("asam beats plain: ")
    words = " ".join(text.split())
    assert f"Use this: {made.leaderboard.advice} How sure: " in words
    assert "! not ranked: gam: only 2 of the 3 trials that are needed." in text
    lines = page.render(made).splitlines()
    table = lines.index("## Ranking at a budget of 8 full runs of plain") + 2
    for line in lines[table + 2 : table + 8]:
        cells = [cell.strip() for cell in line.split("|")]
        assert all(cell in text for cell in cells)


def test_settings_stand_for_a_ranking_where_there_is_none(study: Study):
    made = study(WIN, keep=lambda run: run.stage != "confirm", search={"sampler": "tpe"})
    text = text_of(made.leaderboard)
    assert text.startswith("No ranking: tpe ") and "retrained" in text
    assert "trials" not in text.partition("arm ")[2] and "Use this" not in text
    settings = [row.setting for row in made.leaderboard.rows if row.setting]
    assert ("* At an end" in text) == any(setting.edges for setting in settings)


def test_warnings_and_damages_are_marked():
    found = board([row("sam"), row("plain")], warnings=("mind the gap",), damages=("line 3: bad",))
    text = text_of(found)
    assert "! mind the gap" in text and "! line 3: bad" in text and "Damaged records" in text
    assert text.index("line 3") < text.index("tuned(k)") < text.index("mind the gap")


@pytest.mark.parametrize("num", [1, 12])
def test_any_number_of_arms_fits(num: int):
    rows = [row(f"variant_{i}_with_a_name", 0.9 - i / 1000) for i in range(num)]
    text = text_of(board([*rows, row("plain")]), 100)
    assert all(f"variant_{i}_with_a_name" in text for i in range(num))


def test_what_is_recommended_stands_out():
    console = Console(width=80, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    rows = [row("sam", 0.92, "a"), row("plain", 0.9, "b")]
    console.print(leaderboard.render(board(rows, use="plain", headline="h", advice="a")))
    told = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    bold = [line for line in told.splitlines() if line.startswith("\x1b[1m")]
    assert [line for line in bold if "plain" in line] and not [
        line for line in bold if "sam" in line
    ]
