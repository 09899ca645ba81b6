"""Figures are drawn again where their data or their file changed, and nowhere else."""

import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from sambench import records
from sambench.records import Records
from sambench.render import drawing, figures
from sambench.render.publishing import publish, regenerate

Make = Callable[..., Records]


@pytest.fixture
def folder(make: Make, tmp_path: Path) -> Path:
    study = make({"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83, "sam": 0.95})
    records.write(tmp_path / "run" / "records.csv", study.header, study.records)
    return publish(tmp_path / "run", tmp_path / "leaderboards").parent


pytest.importorskip("matplotlib")


def without_matplotlib(name: str) -> str:
    raise PackageNotFoundError(name)


def test_figures_stay_while_they_fit(folder: Path, monkeypatch: pytest.MonkeyPatch):
    page, figure = folder / "digits.md", folder / "digits" / "intervals.svg"
    links = dict(re.findall(r"^!\[(.+)\]\((digits/.+)\)$", page.read_text(), re.MULTILINE))
    assert "digits/intervals.svg" in links.values()
    assert all((folder / path).is_file() for path in links.values())
    good = {path: path.read_text() for path in folder.rglob("*.*") if path.is_file()}

    with monkeypatch.context() as patch:  # nothing is drawn, with another matplotlib or without one
        patch.setattr(figures, "render", lambda *_: pytest.fail("drawn again"))
        for installed in (lambda name: "1.0", without_matplotlib):
            patch.setattr(drawing, "version", installed)
            found = regenerate(folder)
            assert found.stale == [] and found.notes == []

    figure.write_text(good[figure].replace("<svg", "<svg ", 1))
    with monkeypatch.context() as patch:
        patch.setattr(drawing, "version", without_matplotlib)
        for check in (True, False):
            found = regenerate(folder, check=check)
            assert found.stale == [] and figure.is_file()
            assert found.notes == ["figures of digits left as they are: no matplotlib"]
    assert regenerate(folder, check=True).stale == [figure]
    assert regenerate(folder).stale == [figure]

    figure.unlink()
    assert regenerate(folder).stale == [figure]
    assert {path: path.read_text() for path in good} == good


@pytest.mark.parametrize("change", ["records", "code"])
def test_figures_are_drawn_from_records_by_code(
    folder: Path, change: str, make: Make, monkeypatch: pytest.MonkeyPatch
):
    before = {path: path.read_text() for path in folder.glob("digits/*.svg")}
    if change == "code":
        monkeypatch.setattr(drawing, "_code", lambda: b"draw otherwise")
    else:
        study = make({"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83, "sam": 0.96})
        records.write(folder / "digits.csv", study.header, study.records)
    assert set(regenerate(folder, check=True).stale) >= set(before)
    regenerate(folder)
    assert all(path.read_text() != text for path, text in before.items())
    assert regenerate(folder, check=True).stale == []
