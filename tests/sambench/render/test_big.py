"""A study of 10,000 runs and 40 variants: all of them are counted."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sambench import records
from sambench.analysis.leaderboard import analyse
from sambench.render import formats
from sambench.render.publishing import regenerate


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.spec_from_file_location("big", Path(__file__).with_name("big.py"))
    assert spec and spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path = tmp_path_factory.mktemp("leaderboards") / "big.csv"
    module.write(path, 10_000)
    return path


def test_ten_thousand_runs(big: Path):
    found = records.read(big)
    assert found.damages == () and len(found.frame) == 10_000
    leaderboard = analyse(found)
    assert len(leaderboard.rows) == 40 and sum(leaderboard.counts["search"].values()) == 40 * 221
    confirm = found.frame.query("stage == 'confirm'")
    means = confirm.groupby("variant")["test_accuracy"].mean()
    for row in leaderboard.rows:
        assert row.accuracy and row.accuracy.mean == pytest.approx(means[row.label])
        assert row.accuracy.n == 25
    assert leaderboard.rows[0].label == means.idxmax()
    one = next(run for run in found.records if run.stage == "confirm")
    assert np.mean(records.unpack(one.test_correct, 600)) == one.test_accuracy


def test_its_page_stays_readable(big: Path):
    assert regenerate(big.parent).damages == []
    text = big.with_suffix(".md").read_text()
    assert "And 8,340 more in `big/search.csv`." in text and len(text) < 150_000
    printed, _, _ = formats.render("md", big.parent)
    assert "And 8,340 more in `big/search.csv`." in printed
    assert len((big.parent / "big" / "search.csv").read_text().splitlines()) == 1 + 40 * 221
