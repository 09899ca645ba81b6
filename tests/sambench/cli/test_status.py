"""`sambench status`, called as from a terminal."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sambench.cli import status

Call = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]


@pytest.fixture
def begun(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "runs" / "tiny"))


def test_one_study_and_all_of_them(call: Call, begun: Path):
    (code, one, _), (_, all, _) = call("status", "tiny"), call("status")
    assert code == 0 and one.splitlines()[0] == "tiny: complete"
    assert "17/17 runs" in one and f"page: {Path('runs/tiny/index.html')}" in one
    name, line = all.splitlines()
    assert name.split()[:3] == ["study", "state", "runs"]
    assert line.split()[:3] == ["tiny", "complete", "17/17"]


def test_a_study_is_found_by_all_its_names(call: Call, begun: Path, study_file: Path):
    told = [call("status", name)[1] for name in ("tiny", "runs/tiny", "tiny.toml")]
    assert len(set(told)) == 1


def test_no_test_score_is_shown(call: Call, begun: Path):
    from sambench import records

    rows = records.read(begun / "records.csv").records
    val = {f"{row.val['accuracy']:.2%}" for row in rows}
    test = {f"{row.test['accuracy']:.2%}" for row in rows if row.test["accuracy"] is not None}
    out = call("status", "tiny")[1]
    assert test - val and not any(score in out.split() for score in test - val)
    assert "test" not in json.loads(call("status", "tiny", "--json")[1])


def test_the_json_is_one_object_with_the_keys_that_are_documented(call: Call, begun: Path):
    from sambench.study.live import Live

    one = json.loads(call("status", "tiny", "--json")[1])
    assert set(one) == {"folder", *Live.model_fields}
    all = json.loads(call("status", "--json")[1])
    assert all == {"root": "runs", "studies": [one], "unreadable": {}}


def test_a_study_that_stopped_says_what_goes_on_with_it(call: Call, begun: Path, tmp_path: Path):
    from sambench.files import read_sealed, write_sealed

    path = begun / "live.json"
    content = read_sealed(path)
    command = "python -m sambench study tiny.toml --set 'train.epochs=3'"
    content |= {"state": "stopped", "reason": "interrupted", "command": command}
    write_sealed(path, content | {"directory": str(tmp_path)})
    out = call("status", "tiny")[1]
    assert out.splitlines()[0] == "tiny: not running: interrupted"
    assert out.splitlines()[-1] == f"goes on with: {command}".replace("'", "")
    away = tmp_path / "some where"
    write_sealed(path, content | {"directory": str(away)})
    assert f"goes on with: cd '{away}' && python" in call("status", "tiny")[1]
    write_sealed(path, content | {"command": "x\x1b[31m\n$(rm)", "directory": str(tmp_path)})
    assert "\x1b" not in call("status", "tiny")[1]


def test_what_cannot_be_asked_is_refused(
    call: Call, refused: Refused, begun: Path, study_file: Path
):
    assert refused("status", "tniy") == "no study 'tniy'; did you mean tiny?"
    assert refused("status", "--watch", "--json") == "--watch and --json: choose one of them"
    told = refused("status", "tiny.toml", "--root", "elsewhere")
    assert told == (
        "study 'tiny' has not begun in elsewhere; begin it: python -m sambench study tiny.toml"
    )
    (begun / "live.json").unlink()
    (begun / "study.json").write_text("{")
    assert "study.json is damaged" in refused("status", "tiny")
    shutil.rmtree(begun)
    assert refused("status", "tniy") == "no study 'tniy'; none has begun in runs"
    assert call("status")[1] == "no study has begun in runs\n"
    assert not (begun.parent / "tniy").exists()


def test_watching_from_a_pipe_has_a_line_for_news_and_ends_well(
    call: Call, begun: Path, monkeypatch: pytest.MonkeyPatch
):
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    code, out, err = call("status", "tiny", "--watch")
    assert (code, err) == (0, "") and waits == [status.LINE_S] * 3
    (line,) = out.splitlines()
    assert line.startswith("tiny: complete, 17/17 runs, ")


def test_it_starts_light(begun: Path):
    """No torch, no Optuna: it answers at once, also where neither works."""
    script = (
        "import sys\n"
        "from sambench.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    for words in (["status"], ["status", "tiny"], ["status", "--json"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *words],
            capture_output=True, text=True, check=True, cwd=begun.parents[1],
        )  # fmt: skip
        assert "tiny" in done.stdout
        heavy = {"torch", "optuna", "pandas", "scipy", "wandb", "timm", "filelock"}
        assert not set(done.stderr.split()) & heavy
