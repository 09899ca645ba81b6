"""What `run_study` returns, from Python and in a notebook."""

import math
import pickle
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from sambench import records
from sambench.analysis import Leaderboard, analyse
from sambench.errors import UserError
from sambench.study import Result
from tests.sambench.conftest import Make

SHARES: Mapping[str, float] = {
    "plain-x0.5": 0.90,
    "plain": 0.92,
    "plain-x2": 0.91,
    "sam": 0.95,
    "asam": 0.93,
}


@pytest.fixture(scope="module")
def board(make: Make) -> Leaderboard:
    return analyse(make(SHARES))


@pytest.fixture
def found(board: Leaderboard, tmp_path: Path) -> Result:
    drawn = tmp_path / "leaderboard"
    drawn.mkdir()
    (drawn / "tuning.svg").write_text("<svg>tuning</svg>")
    (drawn / "cost.svg").write_text("<svg>cost</svg>")
    return Result(board, tmp_path)


def test_it_is_the_leaderboard(found: Result, board: Leaderboard):
    assert isinstance(found, Leaderboard)
    assert asdict(found) == asdict(board)
    assert found.rows == board.rows and found.headline == board.headline
    assert pickle.loads(pickle.dumps(found)).folder == found.folder


def test_its_repr_is_short(found: Result):
    lines = repr(found).splitlines()
    assert len(lines) == 4 + 1 + 5 and len(repr(found)) < 1000  # a row per arm
    assert lines[0] == "<study digits, 5 arms>" and lines[1] == found.headline
    assert lines[-1] == f"page: {found.web}"


def test_a_notebook_shows_the_answer_and_a_narrow_table(found: Result):
    html = found._repr_html_()
    assert found.headline in html and html.count("<tr") == 6 and html.count("<th>") == 4
    assert "&lt;" not in html


def test_the_frame_has_a_row_per_arm(found: Result):
    frame = found.to_frame()
    assert list(frame["arm"]) == [row.label for row in found.rows]
    sam = frame.set_index("arm").loc["sam"]
    (row,) = [row for row in found.rows if row.label == "sam"]
    assert row.score and row.cost and row.setting
    assert (sam["score"], sam["low"], sam["high"]) == (
        row.score.value,
        row.score.low,
        row.score.high,
    )
    assert sam["cost"] == row.cost.ratio and sam["rho"] == row.setting.rho
    assert sam["use"] == (found.use == "sam") and sam["beats_plain"] == row.wins
    lead = next(own.difference for own in row.against if own.label == sam["plain"])
    assert sam["minus_plain"] == lead.value and sam["minus_plain_low"] == lead.low
    plain = frame.set_index("arm").loc["plain"]
    assert math.isnan(plain["minus_plain"]) and math.isnan(plain["rho"])


def test_what_it_wrote(found: Result):
    assert found.page == found.folder / "leaderboard.md"
    assert found.records == found.folder / "records.csv"
    assert set(found.figures) == {"cost", "tuning"}


def test_figures(found: Result, board: Leaderboard, tmp_path: Path):
    assert found.plot()._repr_svg_() == "<svg>tuning</svg>"
    assert found.plot("cost").file == found.figures["cost"]
    with pytest.raises(UserError, match="no figure 'tunning'; did you mean tuning"):
        found.plot("tunning")
    with pytest.raises(UserError, match="nothing was drawn in"):
        Result(board, tmp_path / "none").plot()


def test_a_figure_for_a_paper(make: Make, tmp_path: Path):
    """In each format all that the page's figure shows: also its marks, as vectors in a PDF."""
    pytest.importorskip("matplotlib")
    made = make(SHARES)
    records.write(tmp_path / "records.csv", made.header, made.records)
    (tmp_path / "leaderboard").mkdir()
    (tmp_path / "leaderboard" / "search.svg").write_text("<svg/>")
    figure = Result(analyse(made), tmp_path).plot("search")
    for name in ("a.pdf", "b.png", "c.svg"):
        figure.save(tmp_path / name)
    pdf = (tmp_path / "a.pdf").read_bytes()
    assert pdf.startswith(b"%PDF") and b"/Subtype /Image" not in pdf
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "c.svg").read_text() == "<svg/>"
    figure.save(tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == pdf
    with pytest.raises(UserError, match="no format of figures; did you mean pdf"):
        figure.save(tmp_path / "x.pdff")
