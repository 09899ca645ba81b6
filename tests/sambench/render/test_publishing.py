"""Publishing, regenerating and comparing pages."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sambench import records
from sambench.analysis import analyse, published
from sambench.errors import UserError
from sambench.records import Records
from sambench.render.publishing import publish, regenerate

Make = Callable[..., Records]
WIN = {"plain-x0.5": 0.88, "plain": 0.87, "plain-x2": 0.83, "sam": 0.9, "asam": 0.925}


@pytest.fixture
def folder(make: Make, tmp_path: Path) -> Path:
    """A folder with one published study."""
    study = make(WIN)
    records.write(tmp_path / "run" / "records.csv", study.header, study.records)
    page = publish(tmp_path / "run", tmp_path / "leaderboards")
    assert page == tmp_path / "leaderboards" / "digits.md"
    return page.parent


def test_publish_writes_records_page_and_index(folder: Path):
    files = ["README.md", "digits", "digits.csv", "digits.md"]
    assert sorted(p.name for p in folder.iterdir()) == files
    tables = published.read(folder / "digits.csv").tables
    assert sorted(p.stem for p in (folder / "digits").glob("*.csv")) == sorted(tables)
    source = folder.parent / "run" / "records.csv"
    assert (folder / "digits.csv").read_bytes() == source.read_bytes()
    assert "[digits](digits.md)" in (folder / "README.md").read_text()


def test_every_figure_stands_on_the_page_once(folder: Path):
    pytest.importorskip("matplotlib")
    text = (folder / "digits.md").read_text()
    drawn = [path.name for path in (folder / "digits").glob("*.svg")]
    assert len(drawn) >= 8
    assert {name: text.count(f"](digits/{name})") for name in drawn} == dict.fromkeys(drawn, 1)


def test_regenerating_changes_nothing(folder: Path):
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    assert regenerate(folder, check=True).stale == regenerate(folder).stale == []
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


def test_stale_pages_are_named_then_mended(folder: Path):
    page, readme = folder / "digits.md", folder / "README.md"
    good = page.read_bytes()
    page.write_bytes(good.replace(b"beats", b"crushes"))
    readme.unlink()
    assert regenerate(folder, check=True).stale == [page, readme]
    assert not readme.exists() and page.read_bytes() != good
    assert regenerate(folder).stale == [page, readme]
    assert page.read_bytes() == good and regenerate(folder, check=True).stale == []


def test_tables_are_made_from_the_records_too(folder: Path):
    table = folder / "digits" / "ranking.csv"
    good = table.read_bytes()
    table.write_bytes(good.replace(b"sam", b"asam"))
    assert regenerate(folder, check=True).stale == [table]
    assert regenerate(folder).stale == [table] and table.read_bytes() == good
    frame = pd.read_csv(table)
    assert list(frame["variant"]) == [row.label for row in rows(folder)]
    assert frame["score"].iloc[0] == pytest.approx(rows(folder)[0].score.value, rel=1e-8)


def rows(folder: Path) -> Any:
    return analyse(records.read(folder / "digits.csv")).rows


def test_other_line_ends_are_stale(folder: Path):
    page = folder / "digits.md"
    page.write_bytes(page.read_bytes().replace(b"\n", b"\r\n"))
    assert regenerate(folder, check=True).stale == [page]


def test_records_that_cannot_be_read_leave_the_other_studies_alone(folder: Path):
    """Their page stays as it was, and the index says so."""
    page = folder / "digits.md"
    good = page.read_bytes()
    (folder / "zz.csv").write_text("# {}\n")
    (folder / "zz.md").write_text("of better days")
    page.unlink()
    found = regenerate(folder)
    assert found.stale == [page, folder / "README.md"] and found.damages == []
    assert found.errors == [
        f"{folder / 'zz.csv'}: line 1: not the header of a records file of format 3"
    ]
    assert page.read_bytes() == good and (folder / "zz.md").read_text() == "of better days"
    assert "- zz: its records cannot be read\n" in (folder / "README.md").read_text()
    assert regenerate(folder, check=True).errors == found.errors
    assert regenerate(folder, ["digits"], check=True).errors == []


def damage(path: Path, line: int) -> None:
    lines = path.read_text().split("\n")
    lines[line - 1] = lines[line - 1].replace("complete", "completed")
    path.write_text("\n".join(lines))


def test_damaged_records_are_told_and_the_rest_is_reported(folder: Path):
    """A lost run of a setting leaves the ranking as it was; a lost point, no conclusion."""
    records_, page = folder / "digits.csv", folder / "digits.md"
    good, last = page.read_text().splitlines(), len(records_.read_text().splitlines())
    damage(records_, last)
    found = regenerate(folder)
    told = f"line {last}: damaged: its check does not fit its cells; not counted"
    assert found.damages == [f"{records_}: {told}"] and found.errors == []
    lines = page.read_text().splitlines()
    assert lines[4] == good[4] and lines[8] == good[8]
    assert lines[10] == (
        "**Damaged records: what is damaged or missing in digits.csv is not counted.**"
    )
    assert lines[12] == f"- {told}"
    assert "Damaged records" in (folder / "README.md").read_text()
    again = regenerate(folder, check=True)
    assert again.stale == [] and again.damages == found.damages
    damage(records_, 5)
    regenerate(folder)
    assert "1 of 180 points are missing" in page.read_text().splitlines()[4]


def test_much_damage_is_counted_not_listed(folder: Path):
    for line in range(3, 33):
        damage(folder / "digits.csv", line)
    found = regenerate(folder)
    assert len(found.damages) == 21 and found.damages[-1].endswith("and 10 more")
    assert "\n- and 20 more\n" in (folder / "digits.md").read_text()


def test_only_the_chosen_studies_are_regenerated(folder: Path):
    for suffix in (".csv", ".md"):
        other = folder / f"other{suffix}"
        other.write_bytes((folder / f"digits{suffix}").read_bytes())
    other, edited = folder / "other.md", (folder / "digits.md").read_text() + "edited"
    (folder / "digits.md").write_text(edited)
    other.write_text(edited)
    stale = regenerate(folder, ["other"]).stale
    assert other in stale and folder / "digits.md" not in stale
    assert regenerate(folder, ["other"], check=True).stale == []
    assert (folder / "digits.md").read_text() == edited
    with pytest.raises(UserError, match=r"no records of a study 'othr' in .*; did you mean other"):
        regenerate(folder, ["othr"])


def test_a_folder_of_runs_gets_its_pages_and_one_of_all(make: Make, tmp_path: Path):
    """In the folders of the studies; nothing else is made there."""
    for name, sam in (("first", 0.9), ("second", 0.93)):
        study = make({**WIN, "sam": sam})
        header = {**study.header, "study": name}
        runs = [dataclasses.replace(run, study=name) for run in study.records]
        records.write(tmp_path / name / "records.csv", header, runs)
    (tmp_path / "data").mkdir()
    (tmp_path / "notes.csv").write_text("the user's")
    assert tmp_path / "first" / "leaderboard.md" in regenerate(tmp_path).stale
    assert regenerate(tmp_path, check=True).stale == []
    stale = regenerate(tmp_path, infos={}).stale
    pages = [tmp_path / "first" / "index.html", tmp_path / "second" / "index.html"]
    assert stale == [*pages, tmp_path / "index.html"]
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"data", "first", "second", "notes.csv", "index.html"}
    index = (tmp_path / "index.html").read_text()
    assert 'href="first/index.html"' in index and 'href="second/index.html"' in index
    assert "`records.csv`" in (tmp_path / "first" / "leaderboard.md").read_text()
    pages[0].write_text("the user's")
    with pytest.raises(UserError, match=r"first/index\.html was not made by sambench"):
        regenerate(tmp_path, infos={})


def test_each_study_is_named_by_the_file_that_lies_there(folder: Path):
    assert "`digits.csv`" in (folder / "digits.md").read_text()
    regenerate(folder, infos={})
    assert "<code>digits.csv</code>" in (folder / "digits" / "index.html").read_text()
