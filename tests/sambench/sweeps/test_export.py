"""A study as sweep files."""

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sambench import config
from sambench.errors import UserError
from sambench.study import StudyFolder, point, trial
from sambench.sweeps import export, sweep_file
from sambench.sweeps.command import expand

Spec = dict[str, Any]


def exported(tables: Spec, tmp_path: Path, **more: Any) -> dict[str, dict[str, Any]]:
    folder = StudyFolder(tmp_path / "a b", config.parse(tables))
    found = export.files(folder, "tiny", **more)
    export.write(found)
    return {path.stem: yaml.safe_load(path.read_text()) for path in found}


def test_an_arm_is_a_grid_over_the_points_of_its_pool(spec: Spec, tmp_path: Path) -> None:
    """budget 2 x searches 3: six runs of the baseline, twice as many of half the length."""
    spec["search"]["searches"] = 3
    spec["variant"] = [{"name": "plain", "length": [0.5, 1]}]
    found = exported(spec, tmp_path)
    assert list(found) == ["sweep-sam", "sweep-plain-x0.5", "sweep-plain"]
    for label, num in (("sam", 3), ("plain-x0.5", 12), ("plain", 6)):
        sweep = found[f"sweep-{label}"]
        assert sweep["method"] == "grid"
        assert sweep["parameters"] == {"point": {"values": list(range(num))}}
        assert sweep_file.parse(sweep).num_configs == num
        assert sweep["metric"] == {"name": "val_accuracy", "goal": "maximize"}
        assert not {"early_terminate", "run_cap"} & set(sweep)  # a pool has all of its points


def test_its_command_is_a_trial_by_the_same_python(spec: Spec, tmp_path: Path) -> None:
    sam = exported(spec, tmp_path, words=["--set", "train.epochs=3"])["sweep-sam"]
    words = expand(sam["command"], {"point": 2})
    assert words[:5] == ["/usr/bin/env", sys.executable, "-m", "sambench", "trial"]
    line = shlex.join(words[5:])
    assert "--set train.epochs=3" in line and f"--root '{tmp_path.resolve()}/a b'" in line
    assert line.endswith("--variant sam --point=2")


def test_every_point_of_the_grid_is_one_of_the_pool(spec: Spec, tmp_path: Path) -> None:
    spec["search"]["searches"] = 3
    folder = StudyFolder(tmp_path, config.parse(spec))
    values = exported(spec, tmp_path)["sweep-sam"]["parameters"]["point"]["values"]
    assert len({point.plan(folder, "sam", i, "cpu").lr for i in values}) == len(values)
    with pytest.raises(UserError, match="has points 0 to 2, got 3"):
        point.plan(folder, "sam", len(values), "cpu")


def test_an_arm_without_ranges_has_a_pool_beside_those_that_search(
    spec: Spec, tmp_path: Path
) -> None:
    spec["search"] |= {"lr": 0.1, "space": {}}
    found = exported(spec, tmp_path)
    assert {sweep["method"] for sweep in found.values()} == {"grid"} and len(found) == 2


def test_a_study_that_searches_nothing_has_no_sweep(spec: Spec, tmp_path: Path) -> None:
    spec["search"] |= {"lr": 0.1, "space": {}}
    spec["variants"], spec["variant"] = (
        [],
        [{"name": "plain"}, {"name": "sam", "fix": {"rho": 0.1}}],
    )
    with pytest.raises(UserError, match="tiny searches nothing: it has no sweep"):
        exported(spec, tmp_path)


@pytest.fixture
def adaptive(spec: Spec) -> Spec:
    spec["search"] |= {"sampler": "gp", "budget": 40}
    return spec


def test_an_adaptive_study_is_a_search_of_wandbs_own(adaptive: Spec, tmp_path: Path) -> None:
    sam = exported(adaptive, tmp_path)["sweep-sam"]
    assert (sam["method"], sam["run_cap"]) == ("bayes", 20)
    assert sam["parameters"]["lr"] == {
        "distribution": "log_uniform_values", "min": 0.01, "max": 0.5,
    }  # fmt: skip
    assert sam["parameters"]["rho"]["distribution"] == "log_uniform_values"


@pytest.mark.parametrize(
    ("pruner", "epochs", "band"), [("median", 10, 3), ("median", 1, None), ("none", 10, None)]
)
def test_early_terminate_only_where_it_works(
    adaptive: Spec, tmp_path: Path, pruner: str, epochs: int, band: int | None
) -> None:
    adaptive["search"]["pruner"] = pruner
    adaptive["train"]["epochs"] = epochs
    adaptive["variant"] = [{"name": "plain", "length": [1, 2]}]
    found = exported(adaptive, tmp_path)
    rule = {"type": "hyperband", "min_iter": band} if band else None
    assert found["sweep-sam"].get("early_terminate") == rule
    if band:  # of its own schedule
        assert found["sweep-plain-x2"]["early_terminate"]["min_iter"] == 2 * band


def test_every_searched_hyperparameter_reaches_the_trial(adaptive: Spec, tmp_path: Path) -> None:
    space = {"k": {"low": 2, "high": 8}, "alpha": {"low": 0.1, "high": 1.0}}
    adaptive["variant"] += [{"name": "looksam", "space": space}]
    look = exported(adaptive, tmp_path, labels=["looksam"])["sweep-looksam"]
    assert look["parameters"]["k"] == {"distribution": "int_uniform", "min": 2, "max": 8}
    assert look["parameters"]["alpha"] == {"distribution": "uniform", "min": 0.1, "max": 1.0}
    drawn = {p.name: p.at(0.5) for p in sweep_file.parse(look).drawn}
    del drawn["rho"], drawn["lr"]
    run = trial.plan(config.parse(adaptive), "looksam", lr=0.1, fix=drawn, on="cpu")
    assert run.hyperparameters["k"] == 5


def test_an_unknown_variant_is_named(spec: Spec, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no variant 'smm', did you mean sam"):
        exported(spec, tmp_path, labels=["smm"])


def test_a_study_whose_file_has_changed_is_refused(spec: Spec, tmp_path: Path) -> None:
    """Its agents would be, one by one."""
    StudyFolder(tmp_path / "a b", config.parse(spec)).begin()
    spec["train"]["batch_size"] = 16
    with pytest.raises(UserError, match=r"have changed since: train\.batch_size"):
        exported(spec, tmp_path)
