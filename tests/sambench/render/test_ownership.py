"""What is the user's is never replaced, removed or made; a line names it, ahead of all writing."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sambench import records
from sambench.errors import UserError
from sambench.records import Records
from sambench.render.formats import render
from sambench.render.ownership import is_ours
from sambench.render.publishing import publish, publish_costs, regenerate

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
from test_ratios import BENCH

Make = Callable[..., Records]


@pytest.fixture
def run(make: Make, tmp_path: Path) -> Path:
    study = make({"plain": 0.93, "sam": 0.95})
    records.write(tmp_path / "run" / "records.csv", study.header, study.records)
    return tmp_path / "run"


@pytest.fixture
def folder(run: Path, tmp_path: Path) -> Path:
    return publish(run, tmp_path / "boards", {}).parent


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_that_is_written_is_known_as_ours(folder: Path):
    publish_costs(BENCH, folder, {})
    texts = {path: path.read_text() for path in content(folder)}
    assert len({path.suffix for path in texts}) >= 4
    for path, text in texts.items():
        assert is_ours(path, text), path


USERS = {
    "README.md": "# My project\n\nUses `python -m sambench leaderboard`.\n",
    "digits.md": "my notes",
    "index.html": "<h1>my site</h1>",
    "digits/index.html": "<h1>my study</h1>",
    "digits/ranking.csv": "place,name\n1,me\n",
    "digits/intervals.svg": "<svg xmlns='http://www.w3.org/2000/svg'></svg>\n",
}


@pytest.mark.parametrize("name", USERS)
def test_a_file_of_the_users_is_refused_by_name(folder: Path, run: Path, name: str):
    (folder / name).write_text(USERS[name])
    before = content(folder)
    works = [
        lambda: regenerate(folder, infos={}),
        lambda: regenerate(folder, infos={}, check=True),
        lambda: publish(run, folder, {}),
    ]
    for work in works:
        with pytest.raises(
            UserError, match="was not made by sambench and would be replaced"
        ) as told:
            work()
        assert str(told.value).startswith(str(folder / name))
        assert content(folder) == before


def test_records_of_that_name_may_be_the_users(run: Path, tmp_path: Path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "digits.csv").write_text("x,y\n1,2\n")
    with pytest.raises(UserError, match=r"digits\.csv was not made by sambench"):
        publish(run, folder)
    assert content(folder) == {folder / "digits.csv": b"x,y\n1,2\n"}


def test_timings_of_that_name_may_be_the_users(tmp_path: Path):
    (tmp_path / "cost-cpu.md").write_text("mine")
    with pytest.raises(UserError, match=r"cost-cpu\.md was not made by sambench"):
        publish_costs(BENCH, tmp_path)
    assert list(content(tmp_path)) == [tmp_path / "cost-cpu.md"]


def test_other_files_of_the_users_stay(folder: Path):
    others = ["digits/notes.csv", "digits/plot.svg", "digits/notes.txt", "notes.md"]
    for name in others:
        (folder / name).write_text("mine")
    assert regenerate(folder).stale == []
    assert all((folder / name).read_text() == "mine" for name in others)


def test_a_figure_of_ours_that_is_no_longer_made_goes(folder: Path):
    pytest.importorskip("matplotlib")
    old = folder / "digits" / "old.svg"
    old.write_bytes((folder / "digits" / "intervals.svg").read_bytes())
    regenerate(folder)
    assert not old.exists()


def test_a_folder_without_records_is_refused_and_none_is_made(folder: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "study.json").write_text("{}")
    cases = {
        "": "the folder of the leaderboards has no name",
        str(tmp_path / "bords"): f"bords: no such folder; did you mean {folder}",
        str(tmp_path / "zzzzz"): "zzzzz: no such folder; publish a study there",
        str(tmp_path / "empty"): "holds no records of a study; publish a study there",
        str(tmp_path / "own"): f"own is a study's own; name the folder of all: {tmp_path}",
    }
    before = sorted(tmp_path.rglob("*"))
    for given, message in cases.items():
        for work in (regenerate, lambda at: render("md", Path(at)) if at else regenerate(at)):
            with pytest.raises(UserError) as told:
                work(given)
            assert message in str(told.value)
    assert sorted(tmp_path.rglob("*")) == before
