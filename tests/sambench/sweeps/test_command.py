"""Commands are filled in as W&B's agent does, by its own code as the oracle."""

import sys
from pathlib import Path
from typing import Any

import pytest

from sambench.errors import UserError
from sambench.sweeps.command import DEFAULT, MACROS, check_macros, check_startable, expand

CONFIG: dict[str, Any] = {"lr": 0.1, "on": True, "off": False, "opt": {"name": "sgd"}, "n": None}


def test_every_macro_equals_the_agents() -> None:
    from wandb.sdk.launch.sweeps.utils import create_sweep_command_args

    theirs = create_sweep_command_args({"args": {k: {"value": v} for k, v in CONFIG.items()}})
    for macro in MACROS:
        if macro in theirs:
            assert expand([f"${{{macro}}}"], CONFIG) == theirs[macro], macro


def test_the_rest_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA", "/data")
    words = expand(DEFAULT, {"lr": 0.1}, program="train.py")
    assert words == ["/usr/bin/env", sys.executable, "train.py", "--lr=0.1"]
    assert expand(["--data=${envvar:DATA}/x", 3], {}) == ["--data=/data/x", "3"]
    assert expand(["${args_json_file}"], {}, json_file="c.json") == ["c.json"]
    monkeypatch.delenv("DATA")
    with pytest.raises(UserError, match="DATA is not set"):
        expand(["${envvar:DATA}"], {})


@pytest.mark.parametrize(
    "word",
    [
        "hydra.run.dir=runs/${now:%Y}",
        "${now:%Y-%m-%d}",
        "${now:%Y}_${now:%H}",
        "${oc.env:HOME}",
        "x=${oc.env:HOME}/${model.name}",
        "${seed}",
        "--env=",
        "--program=",
        "$HOME",
        "${",
        "${}",
        "${envvar:home}",
    ],
)
def test_what_is_no_macro_passes_through(word: str) -> None:
    assert check_macros(word) == ""
    assert expand(["python", word], {"lr": 1}, program="train.py") == ["python", word]


def test_words_of_any_type_are_the_agents() -> None:
    assert expand([None, True, False, 3, 1e-05, 0.5], {}) == [
        "None", "True", "False", "3", "1e-05", "0.5",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["${arg}", "${interpeter}", "${args_no_hyphen}", "${Program}"])
def test_a_misspelt_macro_is_named(word: str) -> None:
    assert "did you mean" in check_macros(word)


def test_what_cannot_start_is_known_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").touch()
    for program in ("train.py", "package"):
        check_startable(DEFAULT, program)
    check_startable(["${env}", "${interpreter}", "-m", "${program}"], "some.module")
    check_startable(["${env}", "A=1", "whatever"], None)
    check_startable([sys.executable, "x.py"], None)
    for program in ("nope.py", "folder"):
        with pytest.raises(UserError, match=f"program: no such script: '{program}'"):
            check_startable(DEFAULT, program)
    for word in ("no-such-program", "./train.py", "python x.py", "folder"):
        with pytest.raises(UserError, match="is no program that can be started"):
            check_startable(["${env}", word], None)
    with pytest.raises(UserError, match="UNSET_X is not set"):
        check_startable([sys.executable, "--a=${envvar:UNSET_X}"], None)
