"""Publishing, regenerating and comparing pages."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sambench import records
from sambench.errors import UserError
from sambench.records import Records
from sambench.report.analysis import analyse
from sambench.report.publish import groups_agree, publish, regenerate

Make = Callable[..., Records]
WIN = {"plain": 0.93, "sam": 0.95, "asam": 0.95}


@pytest.fixture
def folder(make: Make, tmp_path: Path) -> Path:
    """A folder with one published study."""
    study = make(WIN)
    records.write(tmp_path / "run" / "records.csv", study.header, study.records)
    page = publish(tmp_path / "run", tmp_path / "leaderboards")
    assert page == tmp_path / "leaderboards" / "digits.md"
    return page.parent


def test_publish_writes_records_page_and_index(folder: Path):
    assert sorted(p.name for p in folder.iterdir()) == ["README.md", "digits.csv", "digits.md"]
    source = folder.parent / "run" / "records.csv"
    assert (folder / "digits.csv").read_bytes() == source.read_bytes()
    assert "[digits](digits.md)" in (folder / "README.md").read_text()


def test_regenerating_changes_nothing(folder: Path):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert regenerate(folder, check=True) == regenerate(folder) == []
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_stale_pages_are_named_then_mended(folder: Path):
    page, readme = folder / "digits.md", folder / "README.md"
    good = page.read_bytes()
    page.write_bytes(good.replace(b"beats", b"crushes"))
    readme.unlink()
    assert regenerate(folder, check=True) == [page, readme]
    assert not readme.exists() and page.read_bytes() != good
    assert regenerate(folder) == [page, readme]
    assert page.read_bytes() == good and regenerate(folder, check=True) == []


def test_other_line_ends_are_stale(folder: Path):
    page = folder / "digits.md"
    page.write_bytes(page.read_bytes().replace(b"\n", b"\r\n"))
    assert regenerate(folder, check=True) == [page]


def test_damaged_records_stop_before_anything_is_written(folder: Path):
    (folder / "zz.csv").write_text("# {}\n")
    (folder / "digits.md").unlink()
    with pytest.raises(UserError, match=r"zz.csv: line 1"):
        regenerate(folder)
    assert not (folder / "digits.md").exists()


def test_the_same_groups_agree(make: Make):
    here, there = analyse(make(WIN)), analyse(make(WIN, seeds=8))
    assert groups_agree(here, there) == "The published page agrees on all 3 pairs of variants."


def test_other_groups_do_not(make: Make):
    here, there = analyse(make(WIN)), analyse(make({**WIN, "sam": 0.93}))
    assert groups_agree(here, there) == (
        "The published page does not agree: here asam ties with sam (published: asam beats sam) "
        "and sam beats plain (published: plain ties with sam)."
    )


def test_one_shared_letter_is_a_tie(make: Make):
    here = analyse(make(WIN))
    letters = {"plain": "b", "sam": "ab", "asam": "ab"}
    there = replace(here, rows=tuple(replace(r, group=letters[r.label]) for r in here.rows))
    assert "asam beats plain (published: asam ties with plain)" in groups_agree(here, there)


def test_an_unranked_study_agrees_with_nothing(make: Make):
    ranked, unranked = analyse(make(WIN)), analyse(make(WIN, seeds=2))
    assert "this run ranks nothing" in groups_agree(unranked, ranked)
    assert "the published page ranks nothing" in groups_agree(ranked, unranked)
