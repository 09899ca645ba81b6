"""Sweep files: what is wrong is said in one line, and nothing is ignored."""

from pathlib import Path
from typing import Any

import pytest

from sambench.errors import UserError
from sambench.sweep import spec

GOOD = {
    "program": "train.py",
    "method": "random",
    "metric": {"name": "loss"},
    "parameters": {"lr": {"min": 0.1, "max": 1.0}},
}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"metod": "grid"}, "metod: unknown key, did you mean method"),
        ({"method": "custom"}, "method: unknown value 'custom'"),
        ({"scheduler": {"engine": "optuna"}}, "scheduler: not supported without a server"),
        ({"job": "a/b"}, "job: not supported without a server"),
        ({"metrics": []}, "metrics: not supported without a server"),
        ({"controller": {"type": "local"}}, "controller: not supported without a server"),
        ({"metric": {"name": "a", "impute_while_running": "best"}}, "only false is supported"),
        ({"method": "bayes", "metric": None}, "metric: is required by method: bayes"),
        ({"method": "grid"}, "parameters.lr: a grid has no end with uniform"),
        ({"program": None}, "program: is required by ${program}"),
        ({"command": ["python", "${arg}"]}, "command[1]: unknown macro ${arg}, did you mean"),
        ({"command": ["x${args}"]}, "command[0]: ${args} must stand alone"),
        ({"run_cap": 0}, "run_cap: must be >= 1"),
        ({"early_terminate": {"type": "hyperband"}}, "min_iter: is required, or max_iter with s"),
        (
            {"early_terminate": {"type": "hyperband", "max_iter": 9}},
            "early_terminate.s: is required beside max_iter",
        ),
        ({"parameters": {}}, "parameters: must name at least one parameter"),
        ({"parameters": {"lr": 0.1}}, "parameters.lr: must be a table such as {value: 0.1}"),
        ({"parameters": {"lr": {"max": 1}}}, "lr: needs value, values, min and max"),
        ({"parameters": {"lr": {"min": 1, "max": 1}}}, "lr.min: must be < max = 1"),
        ({"parameters": {"lr": {"min": "1e-3", "max": 1}}}, "YAML wants a point and a sign"),
        (
            {"parameters": {"a": {"parameters": {"b": {"distribution": "norma"}}}}},
            "parameters.a.parameters.b.distribution: unknown distribution 'norma', did you mean",
        ),
        ({"parameters": {"a": {"distribution": "normal", "min": 0}}}, "is not a key of normal"),
        ({"parameters": {"a": {"distribution": "q_uniform"}}}, "a.min: is required by q_uniform"),
        (
            {"parameters": {"a": {"values": [1, 2], "probabilities": [0.5, 0.6]}}},
            "a.probabilities: must sum to 1, not 1.1",
        ),
        (
            {"parameters": {"a": {"distribution": "log_uniform_values", "min": 0, "max": 1}}},
            "a.min: must be > 0 for log_uniform_values",
        ),
    ],
)
def test_bad_files_are_one_line(change: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError) as error:
        spec.parse(GOOD | change, "sweep.yaml")
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("sweep.yaml: ") and line in str(error.value)


def test_wandbs_defaults() -> None:
    sweep = spec.parse(GOOD | {"early_terminate": {"type": "hyperband", "min_iter": 3}})
    assert sweep.metric and sweep.metric.goal == "minimize"
    assert sweep.early_terminate and sweep.early_terminate.strict
    assert sweep.command == ["${env}", "${interpreter}", "${program}", "${args}"]
    assert sweep.num_configs is None


def test_a_file_that_is_no_yaml(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text("a: [")
    with pytest.raises(UserError, match=r"sweep\.yaml: "):
        spec.load(path)
    with pytest.raises(UserError, match="No such file"):
        spec.load(tmp_path / "missing.yaml")
