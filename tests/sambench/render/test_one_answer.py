"""Whatever shows a study recommends the same arm at the same setting, by one rule."""

import io
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from rich.console import Console

from sambench import records
from sambench.analysis import Leaderboard, PublishedStudy, analyse, numbers, published
from sambench.records import Records
from sambench.render import latex, page, program
from sambench.render.markdown import page as markdown
from sambench.render.page import Page
from sambench.render.tables import Table
from sambench.render.terminal import leaderboard as terminal

Make = Callable[..., Records]
TRUTHS = {
    "a win": {"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83, "sam": 0.9, "asam": 0.93},
    "a tie": {"plain": 0.9, "sam": 0.92},
    "worse": {"plain-x0.5": 0.9, "plain": 0.9, "plain-x2": 0.9, "sam": 0.84},
    "alike": {"plain-x0.5": 0.9, "plain": 0.9, "plain-x2": 0.9, "sam": 0.92, "esam": 0.92},
    "perfect": {"plain": 0.99, "sam": 0.999},
    "hopeless": {"plain": 0.01, "sam": 0.02},
    "alone": {"plain-x0.5": 0.9, "plain": 0.88},
}


@pytest.fixture(params=[(name, seed) for name in TRUTHS for seed in (0, 1)], ids=str)
def study(make: Make, request: pytest.FixtureRequest, tmp_path: Path) -> PublishedStudy:
    name, seed = request.param
    made = make(TRUTHS[name], seed=seed)
    records.write(tmp_path / "digits.csv", made.header, made.records)
    return published.read(tmp_path / "digits.csv")


def tables(found: Page) -> dict[str, Table]:
    return {part.name: part.table for part in found.parts if part.table and part.table.rows}


def shown(board: Leaderboard) -> str:
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(terminal.render(board))
    return console.export_text()


def test_one_recommendation(study: PublishedStudy):
    board = study.leaderboard
    found, text, on_screen = page.of(study), markdown.render(study), shown(board)
    told = dict(found.answer)["Use this"]
    assert told == board.advice == asdict(board)["advice"]
    assert told in " ".join(on_screen.split()) and told in text
    assert text.count("**Use this:**") == 1 and on_screen.count("Use this:") == 1
    for name in ("ranking", "settings"):
        table = tables(found)[name]
        label = None if table.marked is None else table.texts[table.marked][0]
        assert label == board.use, name
    if board.use is None:
        return
    assert told.startswith(f"{board.use} with lr ")
    chosen = program.settings(study.records)
    assert chosen["recommended"] and chosen["label"] == board.use
    assert f"# Recommended: {board.use} with lr " in program.snippet(study.records)
    row = next(row for row in board.rows if row.label == board.use)
    assert row.setting and (chosen["lr"], chosen["epochs"]) == (row.setting.lr, row.setting.epochs)
    assert f"lr {numbers.setting(row.setting.lr)}, " in told


def test_one_radius_of_each_arm(study: PublishedStudy):
    """That of the setting to use, within what is as good."""
    found = tables(page.of(study))
    if "radius" not in found:
        return
    used = {line[0]: line[found["settings"].names.index("radius")]
            for line in found["settings"].texts}  # fmt: skip
    names = found["radius"].names
    for line in found["radius"].texts:
        cells = dict(zip(names, line, strict=True))
        assert cells["used"] == used[cells["arm"]]
        low, high = map(float, cells["as good, to one run"].split(" to "))
        assert low <= float(cells["used"]) <= high
    assert not any(re.search(r"\bbest\b", name) for name in names)


def test_no_interval_passes_what_scores_can_be(study: PublishedStudy):
    """Neither on the page nor beside it; and no ± that would."""
    board = study.leaderboard
    for text in (markdown.render(study), shown(board), latex.table(board).replace("$\\pm$", "±")):
        for value, half in re.findall(r"(\d+\.\d\d) ± (\d+\.\d\d)", text):
            assert float(value) - float(half) >= -0.011, value
            assert float(value) + float(half) <= 100.011, value
    scores = [e for row in board.rows for e in (row.score, row.inner) if e]
    scores += [row.setting.score for row in board.rows if row.setting and row.setting.score]
    scores += [row.score for row in board.equal]
    ends = [end for score in scores for end in (score.low, score.high) if end is not None]
    for name in ("tuning", "ranking", "cost", "curves"):
        frame = study.tables[name]
        columns = [c for c in frame.columns if c in ("low", "high", "band_low", "band_high")]
        ends += [end for end in frame[columns].to_numpy().ravel().tolist() if end == end]
    assert ends and all(0 <= end <= 1 for end in ends)


def test_every_column_has_its_meaning(study: PublishedStudy):
    for table in tables(page.of(study)).values():
        for column in table.columns:
            assert column.hint and column.hint[0].isupper(), column.name
            assert not column.hint.endswith("."), column.name


def test_analysis_of_the_same_records_says_the_same(study: PublishedStudy):
    assert analyse(study.records) == study.leaderboard
