"""The ranking as the W&B run of a whole study has it."""

from pathlib import Path
from typing import Any

import pytest

from sambench import tracking
from sambench.analysis import Leaderboard, analyse


@pytest.fixture
def found(make: Any) -> Leaderboard:
    accuracies = {"plain-x0.5": 0.9, "plain": 0.88, "plain-x2": 0.84, "sam": 0.93, "gam": 0.95}
    return analyse(make(accuracies))  # the budget affords gam two trials


def table(found: Leaderboard) -> dict[str, dict[str, Any]]:
    """Arm -> column -> cell."""
    told = tracking.content(found, [])["table"]
    lines = [dict(zip(told["columns"], line, strict=True)) for line in told["data"]]
    return {line["arm"]: line for line in lines}


def test_a_line_is_a_row_of_the_ranking(found: Leaderboard):
    rows, told = {row.label: row for row in found.rows}, table(found)
    assert list(told) == [row.label for row in found.rows]
    sam, line = rows["sam"], told["sam"]
    assert sam.score and sam.setting and sam.setting.score and sam.cost
    assert (line["group"], line["trials"], line["points"]) == (sam.group, 4.0, 20)
    assert (line["score"], line["score_low"]) == (sam.score.value, sam.score.low)
    assert (line["lr"], line["rho"], line["epochs"]) == (0.032, 0.071, 10)
    assert line["setting_score"] == sam.setting.score.value
    assert line["run_cost"] == 2.0 and line["why_unranked"] == ""


def test_the_difference_is_to_the_best_plain(found: Leaderboard):
    """Half the schedule is best here: the others would flatter."""
    told = table(found)
    sam = next(row for row in found.rows if row.label == "sam")
    against = {own.label: own.difference for own in sam.against}
    assert told["sam"]["minus_best_plain"] == against["plain-x0.5"].value
    assert against["plain-x0.5"].value < min(against["plain"].value, against["plain-x2"].value)
    assert told["plain"]["minus_best_plain"] is None


def test_what_is_not_ranked_says_why(found: Leaderboard):
    gam = table(found)["gam"]
    assert gam["group"] == "" and gam["minus_best_plain"] is None
    assert "3" in gam["why_unranked"]


def test_the_summary_is_the_headline_and_the_advice(found: Leaderboard, tmp_path: Path):
    told = tracking.content(found, [tmp_path / "records.csv"])
    assert told["summary"] == {
        "headline": found.headline,
        "use": found.use or "",
        "advice": found.advice,
    }
    assert told["files"] == [str(tmp_path / "records.csv")]
