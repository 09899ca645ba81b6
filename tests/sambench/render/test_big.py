"""A study of 10,000 runs and 40 arms: all of them are counted."""

from pathlib import Path

import numpy as np
import pytest

from sambench import records
from sambench.analysis import analyse
from sambench.render import formats
from sambench.render.publishing import regenerate
from sambench.scale.made_up import write


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("leaderboards") / "big.csv"
    write(path, 10_000)
    return path


def test_ten_thousand_runs(big: Path):
    found = records.read(big)
    assert found.damages == () and 9_500 < len(found.frame) < 10_500
    leaderboard = analyse(found)
    assert leaderboard.kind == "pool" and len(leaderboard.rows) == 40
    assert all(row.group for row in leaderboard.rows)
    counted = {stage: sum(by.values()) for stage, by in leaderboard.counts.items()}
    assert counted == {
        stage: int((found.frame["stage"] == stage).sum()) for stage in records.STAGES
    }
    assert sum(row.points for row in leaderboard.rows) == counted["pool"]
    assert sum(row.reruns for row in leaderboard.rows) == counted["confirm"]
    one = next(run for run in found.records if run.stage == "confirm")
    assert np.mean(records.unpack(one.items["accuracy"], 600)) == one.test["accuracy"]


def test_its_page_stays_readable(big: Path):
    assert regenerate(big.parent).damages == []
    text = big.with_suffix(".md").read_text()
    assert "The first 500 of them; the records have all." in text and len(text) < 200_000
    printed, _, _ = formats.render("md", big.parent)
    assert "The first 500 of them; the records have all." in printed
    pool = len((big.parent / "big" / "pool.csv").read_text().splitlines())
    assert f"Pool runs: {pool - 1:,}" in text
