"""A study as sweep files."""

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sambench import config
from sambench.errors import UserError
from sambench.study import trial
from sambench.sweeps import export, sweep_file
from sambench.sweeps.command import expand

Spec = dict[str, Any]


def exported(tables: Spec, tmp_path: Path, **more: Any) -> dict[str, dict[str, Any]]:
    study = config.parse(tables)
    found = export.files(study, "tiny", tmp_path / "a b", **more)
    export.write(found)
    return {path.stem: yaml.safe_load(path.read_text()) for path in found}


def test_a_file_per_variant_with_the_studys_ranges(spec: Spec, tmp_path: Path) -> None:
    found = exported(spec, tmp_path)
    assert list(found) == ["sweep-plain", "sweep-sam"]
    lr = {"distribution": "log_uniform_values", "min": 0.01, "max": 0.5}
    assert found["sweep-plain"]["parameters"] == {
        "lr": lr,
        "epochs_factor": {"values": [0.5, 1, 2]},
    }
    sam = found["sweep-sam"]
    assert sam["parameters"]["rho"]["distribution"] == "log_uniform_values"
    assert (sam["method"], sam["run_cap"]) == ("random", 2)
    assert sam["metric"] == {"name": "val_accuracy", "goal": "maximize"}
    assert "early_terminate" not in sam


def test_its_command_is_a_trial_by_the_same_python(spec: Spec, tmp_path: Path) -> None:
    sam = exported(spec, tmp_path, overrides=["train.epochs=3"])["sweep-sam"]
    words = expand(sam["command"], {"lr": 0.1, "rho": 0.2})
    assert words[:5] == ["/usr/bin/env", sys.executable, "-m", "sambench", "trial"]
    line = shlex.join(words[5:])
    assert "--set train.epochs=3" in line and f"--root '{tmp_path.resolve()}/a b'" in line
    assert line.endswith("--variant sam --lr=0.1 --rho=0.2")


@pytest.mark.parametrize(
    ("search", "epochs", "band"),
    [
        ({"pruner": "median"}, 10, 3),
        ({"pruner": "median"}, 1, None),
        ({"pruner": "none"}, 10, None),
    ],
)
def test_early_terminate_only_where_it_works(
    spec: Spec, tmp_path: Path, search: dict[str, Any], epochs: int, band: int | None
) -> None:
    spec["search"] |= search
    spec["train"]["epochs"] = epochs
    found = exported(spec, tmp_path)
    rule = {"type": "hyperband", "min_iter": band} if band else None
    assert found["sweep-sam"].get("early_terminate") == rule
    assert "early_terminate" not in found["sweep-plain"]  # its schedules differ in length


def test_every_searched_hyperparameter_reaches_the_trial(spec: Spec, tmp_path: Path) -> None:
    space = {"k": {"low": 2, "high": 8}, "alpha": {"low": 0.1, "high": 1.0}}
    spec["variant"] = [{"name": "looksam", "space": space}]
    spec["search"] |= {"sampler": "gp"}
    look = exported(spec, tmp_path, labels=["looksam"])["sweep-looksam"]
    assert look["method"] == "bayes"
    assert look["parameters"]["k"] == {"distribution": "int_uniform", "min": 2, "max": 8}
    assert look["parameters"]["alpha"] == {"distribution": "uniform", "min": 0.1, "max": 1.0}
    drawn = {p.name: p.at(0.5) for p in spec_of(look).drawn}
    del drawn["rho"], drawn["lr"]
    run = trial.plan(config.parse(spec), "looksam", lr=0.1, fix=drawn, on="cpu")
    assert run.hyperparameters["k"] == 5


def spec_of(tables: dict[str, Any]) -> sweep_file.Sweep:
    return sweep_file.parse(tables)


def test_an_unknown_variant_is_named(spec: Spec, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no variant 'smm', did you mean sam"):
        exported(spec, tmp_path, labels=["smm"])
