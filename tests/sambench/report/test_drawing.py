"""Figures are compared only by the version of matplotlib that drew them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sambench import records
from sambench.records import Records
from sambench.report import drawing
from sambench.report.publish import publish, regenerate

Make = Callable[..., Records]


@pytest.fixture
def folder(make: Make, tmp_path: Path) -> Path:
    study = make({"plain": 0.93, "sam": 0.95})
    records.write(tmp_path / "run" / "records.csv", study.header, study.records)
    return publish(tmp_path / "run", tmp_path / "leaderboards").parent


pytest.importorskip("matplotlib")


def test_figures_by_version(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """One story in one test: drawing is slow."""
    page, figure = folder / "digits.md", folder / "digits" / "accuracy.svg"
    own = drawing.installed()
    assert own and drawing.drawn_by(figure) == own
    links = drawing.LINK.findall(page.read_text())
    assert "digits/accuracy.svg" in dict(map(reversed, links))
    assert all((folder / path).is_file() and alt for alt, path in links)

    good = figure.read_text()
    figure.write_text(good.replace("<svg", "<svg ", 1))
    assert regenerate(folder, check=True).stale == [figure]
    assert regenerate(folder).stale == [figure] and figure.read_text() == good

    figure.write_text(good.replace(f"matplotlib {own}", "matplotlib 1.0"))
    found = regenerate(folder, check=True)
    assert found.stale == []
    assert found.notes == [
        f"figures of digits not compared: drawn by matplotlib 1.0, here is {own}"
    ]
    assert regenerate(folder).stale == [figure]

    monkeypatch.setattr(drawing, "installed", lambda: None)
    for check in (True, False):
        found = regenerate(folder, check=check)
        assert found.stale == [] and figure.is_file()
        assert found.notes == ["figures of digits left as they are: no matplotlib"]
