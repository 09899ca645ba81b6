"""A study is found by path, by name here, in studies/, among those shipped, and in runs/."""

import json
from pathlib import Path

import pytest

from sambench import config
from sambench.config import places
from sambench.errors import UserError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: str, text: str = "") -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def refused(source: str) -> str:
    with pytest.raises(UserError) as caught:
        places.find(source)
    return str(caught.value)


def test_the_nearer_place_comes_first():
    kept = put("runs/digits/study.json")
    assert places.find("digits").name == "digits.toml"  # shipped
    own = put("studies/digits.toml")
    assert places.find("digits") == own
    here = put("digits.toml")
    assert places.find("digits") == places.find("digits.toml") == here
    assert places.find("runs/digits") == kept


@pytest.mark.parametrize("source", ["mine", "runs/mine"])
def test_a_study_in_runs_is_known_by_its_name(source: str):
    kept = put("runs/mine/study.json")
    assert places.find(source) == kept


def test_another_root():
    kept = put("elsewhere/mine/study.json")
    assert places.find("mine", Path("elsewhere")) == kept
    assert "mine" in refused("mine")


def test_what_a_study_keeps_is_the_study(tiny: Path):
    study = config.load(tiny, ["train.epochs=3"])
    put("runs/tiny/study.json", json.dumps({"spec": study.model_dump(mode="json")}))
    assert config.load("tiny") == study
    assert config.name_of("tiny") == "tiny"


@pytest.mark.parametrize("text", ["{}", "[", "[]", '{"arms": {}}'])
def test_an_older_or_a_broken_one_is_not_the_study(text: str):
    put("runs/mine/study.json", text)
    with pytest.raises(UserError, match="does not tell of a whole study; name its TOML file"):
        config.load("mine")


LINES = {
    "nope.toml": "no such file 'nope.toml', did you mean note.toml?",
    "note.TOML": "no such file 'note.TOML', did you mean note.toml?",
    "digits.toml": "no such file 'digits.toml'; did you mean digits?",
    "sub/one": "no such file 'sub/one', did you mean sub/one-a.toml",
    "sub": "'sub' is a folder; choose from sub/one-a.toml",
    "empty": "'empty' is a folder; name a study file",
    "no/such": "no such file 'no/such': there is no folder 'no'",
    "Digits": "unknown study 'Digits', did you mean digits?",
    "digits_noise40": "unknown study 'digits_noise40', did you mean digits-noise40?",
    "Mine": "unknown study 'Mine', did you mean mine?",
    "nite": "unknown study 'nite', did you mean note",
}


@pytest.mark.parametrize("source", LINES)
def test_the_nearest_is_named(source: str):
    put("note.toml")
    put("sub/one-a.toml")
    put("runs/mine/study.json")
    Path("empty").mkdir()
    assert LINES[source] in refused(source)
