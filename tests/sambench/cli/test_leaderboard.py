"""`leaderboard` writes what records say, and says what is wrong with them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int, str, str]]


def test_a_leaderboard_of_damaged_records(call: Call, done: list[str | Path]):
    assert call(*done, "--publish")[0] == 0
    published, broken = Path("leaderboards/tiny.csv"), Path("leaderboards/broken.csv")
    published.write_text(published.read_text()[:-50])
    named = "sambench: leaderboards/tiny.csv: line 19: damaged: its check does not fit its cells"
    code, out, err = call("leaderboard", "--check")
    assert code == 1 and err.startswith(named) and "stale: leaderboards/tiny.md" in out
    code, out, err = call("leaderboard")
    assert code == 1 and err.startswith(named) and "written: leaderboards/tiny.md" in out
    code, out, err = call("leaderboard", "--check")
    assert code == 1 and err.startswith(named) and "stale" not in out
    code, out, err = call("leaderboard", "--format", "json")
    assert code == 1 and json.loads(out)[0]["damages"][0].startswith("line 19: damaged")
    broken.write_text("# {}\n")
    code, out, err = call("leaderboard")
    assert code == 2 and "broken.csv: line 1: not the header" in err and named in err
    assert call("leaderboard", "tiny", "--check")[0] == 1
    shutil.copy("runs/tiny/records.csv", published)
    assert call("leaderboard", "tiny")[0] == 0
    assert call("leaderboard", "--check")[0] == 2


@pytest.mark.parametrize(
    ("form", "piece"),
    [
        ("md", "**Use this:**"),
        ("csv", "study,variant,group,"),
        ("json", '"headline": '),
        ("latex", "\\\\toprule"),
    ],
)
def test_a_leaderboard_in_every_format(call: Call, done: list[str | Path], form: str, piece: str):
    assert call(*done, "--publish")[0] == 0
    before = {path: path.read_bytes() for path in Path("leaderboards").iterdir() if path.is_file()}
    code, out, err = call("leaderboard", "--format", form)
    assert (code, err) == (0, "") and piece.replace("\\\\", "\\") in out
    assert call("leaderboard", "tiny", "--format", form)[1] == out
    assert before == {path: path.read_bytes() for path in before}


def test_publish_and_leaderboard(call: Call, done: list[str | Path]):
    assert call(*done, "--publish")[0] == 0
    files = {"README.md", "index.html", "tiny", "tiny.csv", "tiny.md"}
    assert {p.name for p in Path("leaderboards").iterdir()} == files
    assert call("leaderboard", "--check")[0] == 0
    page = Path("leaderboards/tiny.md")
    text = page.read_bytes()
    page.write_bytes(text + b"edited by hand")
    code, out, _ = call("leaderboard", "--check")
    assert code == 1 and "stale: leaderboards/tiny.md" in out
    assert call("leaderboard")[0] == 0
    assert page.read_bytes() == text
    Path("leaderboards/README.md").write_text("of the user's")
    for words in (("leaderboard",), (*done, "--publish")):
        code, _, err = call(*words)
        assert code == 2 and "leaderboards/README.md was not made by sambench" in err
    assert Path("leaderboards/README.md").read_text() == "of the user's"
    assert call("best", "tini")[2].strip().endswith("did you mean tiny?")


def test_a_study_ends_with_its_page_and_a_folder_of_them_with_one_of_all(
    call: Call, done: list[str | Path]
):
    """The path is printed whenever a study is shown; what is the user's is refused in a line."""
    page = Path("runs/tiny/index.html")
    code, out, _ = call(*done)
    assert code == 0 and f"page: {page}\n" in out
    page.unlink()
    assert f"page: {page}\n" in call(*done)[1]
    text = page.read_text()
    assert "<code>records.csv</code>" in text and "tiny.csv" not in text
    assert call("leaderboard", "--html", "--folder", "runs")[0] == 0
    assert 'href="tiny/index.html"' in Path("runs/index.html").read_text()
    linked = page.read_text()
    assert 'href="../index.html"' in linked and 'href="../index.html"' not in text
    assert call("leaderboard", "--html", "--check", "--folder", "runs")[0] == 0
    assert not Path("runs/README.md").exists()
    code, _, err = call("leaderboard", "--folder", "runs/tiny")
    assert code == 2 and err.endswith("is a study's own; name the folder of all: runs\n")
    page.write_text("the user's")
    code, _, err = call(*done, "--set", "search.margin=2.0")
    assert code == 2 and err.startswith(f"sambench: {page} was not made by sambench")
    assert page.read_text() == "the user's"
