"""`merge` and `study --points` as from a terminal: what is told, what is refused in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sambench.cli.study import _command
from tests.sambench.cli.words import study

Call = Callable[..., tuple[int, str, str]]
GROWN = ("--set", "search.budget=3")  # six points of plain, three of sam


def part(call: Call, file: Path, root: str, points: str) -> str:
    """Records of a part of the pools."""
    code, _, err = call(*study(file, "--root", root, "--points", points, *GROWN))
    assert (code, err) == (0, "")
    return f"{root}/tiny/records.csv"


def test_parts_of_two_machines(call: Call, study_file: Path):
    halves = [part(call, study_file, "a", "0:1"), part(call, study_file, "b", "1:2")]
    code, out, err = call("merge", *halves)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "runs/tiny: 4 runs came in, 0 there already",
        "missing: 1 of plain",
        "go on: python -m sambench study tiny",
    ]
    code, out, _ = call("merge", str(Path(halves[0]).parent), "--into", "other")
    assert out.splitlines()[0] == "runs/other: 2 runs came in, 0 there already"
    assert out.splitlines()[-1] == "go on: python -m sambench study tiny --fork other"
    lines = Path(halves[0]).read_text().splitlines()
    Path(halves[0]).write_text("\n".join([*lines[:3], lines[3][:-1]]) + "\n")
    code, out, err = call("merge", halves[0], "--root", "c")
    assert code == 1 and "1 run came in" in out
    assert "missing: 2 of sam, 2 of plain" in out
    assert err.startswith(f"sambench: {halves[0]}: line 4: damaged")


def test_what_merge_refuses(refused: Callable[..., str], tmp_path: Path):
    assert "Missing argument 'FILE...'" in refused("merge")
    assert refused("merge", "none.csv").endswith("none.csv: no such records file")
    (tmp_path / "empty").mkdir()
    assert refused("merge", "empty").endswith("empty/records.csv: no such records file")
    (tmp_path / "x.csv").write_text('# {"format": 2}\n')
    assert "records of format 2, of an older protocol" in refused("merge", "x.csv")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "points", ["", "3", "3:", ":3", "a:b", "-1:3", "3:3", "5:3", "0:1:2", "²:3"]
)
def test_points_are_a_span(refused: Callable[..., str], study_file: Path, points: str):
    line = refused(*study(study_file, f"--points={points}"))
    assert "'--points': must look like 40:80, for 40 to 79, got" in line


def test_points_outside_the_pool(refused: Callable[..., str], study_file: Path, tmp_path: Path):
    line = refused(*study(study_file, "--points", "1:9"))
    assert "--points: the largest pool has points 0 to 1, got 1:9" in line
    line = refused(*study(study_file, "--points", "0:1", "--dry-run"))
    assert "--dry-run plans a study whole: leave --points out" in line
    line = refused(*study(study_file, "--points", "0:1", "--set", "search.sampler=gp"))
    assert "--points: tiny has no pool of random points" in line
    assert not (tmp_path / "runs" / "tiny").exists()


def test_the_command_of_a_part_names_it():
    whole = _command("digits", ("seed=1",), (), None, None, None, 2, "auto")
    assert whole == "python -m sambench study digits --set seed=1 --workers 2"
    some = _command("digits", (), (), None, range(40, 80), None, 1, "cpu")
    assert some == "python -m sambench study digits --points 40:80 --workers 1 --device cpu"
