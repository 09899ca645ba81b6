"""Commands are filled in as W&B's agent does, by its own code as the oracle."""

import sys
from typing import Any

import pytest

from sambench.errors import UserError
from sambench.sweep.command import DEFAULT, MACROS, expand

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
