"""Sweep files: what is wrong is said in one line, and nothing is ignored."""

from pathlib import Path
from typing import Any

import pytest

from sambench.errors import UserError
from sambench.sweeps import sweep_file

GOOD = {
    "program": "train.py",
    "method": "random",
    "metric": {"name": "loss"},
    "parameters": {"lr": {"min": 0.1, "max": 1.0}},
}
PLAIN = {"distribution": "log_uniform", "min": 0.001, "max": 0.3}
Q = {"distribution": "q_uniform", "min": 0, "max": 1}
HYPERBAND = {"type": "hyperband", "min_iter": 3}
NAN = float("nan")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"method": None, "metod": "grid"}, "metod: unknown key, did you mean method?"),
        ({"parameters": None, "parameter": {}}, "parameter: unknown key, did you mean parameters?"),
        ({"method": None}, "method: is required"),
        ({"method": ["x" * 10**6]}, "method: unknown value"),
        ({"method": "x" * 10**6}, "method: unknown value"),
        ({"method": "custom"}, "method: unknown value 'custom'"),
        ({"scheduler": {"engine": "optuna"}}, "scheduler: not supported without a server"),
        ({"job": "a/b"}, "job: not supported without a server"),
        ({"metrics": []}, "metrics: not supported without a server"),
        ({"controller": {"type": "mine"}}, "controller.type: unknown value 'mine'"),
        ({"controller": "local"}, "controller: must be a table, got 'local'"),
        ({"name": True}, "name: must be a string, got True"),
        ({"metric": "loss"}, "metric: must be a table, got 'loss'"),
        ({"metric": {"name": "a", "target": "low"}}, "metric.target: must be a number, got 'low'"),
        ({"metric": {"name": "a", "target": NAN}}, "metric.target: must be finite, got nan"),
        ({"metric": {"name": "a", "goal": "maximise"}}, "unknown value 'maximise', did you mean"),
        ({"metric": {"name": "a", "impute_while_running": "best"}}, "only false is supported"),
        ({"method": "bayes", "metric": None}, "metric: is required by method: bayes"),
        ({"method": "grid"}, "parameters.lr: a grid has no end with uniform"),
        ({"program": None}, "program: is missing, as in files for wandb.agent(function=...)"),
        ({"program": None, "command": ["${program}"]}, "program: is required by ${program}"),
        ({"command": "python train.py"}, "command: must be a list, got 'python train.py'"),
        ({"command": ["python", ["a"]]}, "command[1]: must be a word, got ['a']"),
        ({"command": [{"--lr": 1}]}, "command[0]: must be a word, got {'--lr': 1}"),
        ({"command": ["python", "${arg}"]}, "command[1]: unknown macro '${arg}', did you mean"),
        ({"command": ["x${args}"]}, "command[0]: ${args} must stand alone"),
        ({"run_cap": 0}, "run_cap: must be >= 1"),
        ({"run_cap": 1.5}, "run_cap: must be a whole number, got 1.5"),
        ({"run_cap": 10**100}, "run_cap: must be <= 9.22337e+18"),
        ({"early_terminate": "hyperband"}, "early_terminate: must be a table"),
        ({"early_terminate": {"type": "median"}}, "type: unknown value 'median'"),
        ({"early_terminate": HYPERBAND | {"eta": 1}}, "eta: must be > 1"),
        ({"early_terminate": HYPERBAND | {"s": 10**9}}, "s: must be <= 100"),
        ({"early_terminate": HYPERBAND | {"strict": "yes"}}, "strict: must be true or false"),
        ({"early_terminate": {"type": "hyperband"}}, "min_iter: is required, or max_iter with s"),
        (
            {"early_terminate": {"type": "hyperband", "max_iter": 9}},
            "early_terminate.s: is required beside max_iter",
        ),
        ({"parameters": {}}, "parameters: must name at least one parameter"),
        ({"parameters": {"lr": 0.1}}, "parameters.lr: must be a table such as {value: 0.1}"),
        ({"parameters": {"lr": {"max": 1}}}, "lr: needs value, values, min and max"),
        ({"parameters": {"lr": {"min": 1, "max": 1}}}, "lr.min: must be < max = 1"),
        ({"parameters": {"lr": {"min": "1e-3x", "max": 1}}}, "min: must be a number, got '1e-3x'"),
        ({"parameters": {"lr": {"min": "1e999", "max": 1}}}, "min: must be a number, got inf"),
        ({"parameters": {"lr": {"min": 0, "max": 10**400}}}, "max: must be a number"),
        ({"parameters": {"lr": {"min": True, "max": 2}}}, "min: must be a number, got True"),
        ({"parameters": {"lr": {"min": None, "max": 2}}}, "min: must be a number, got None"),
        ({"parameters": {"lr": {"min": -1e308, "max": 1e308}}}, "lr: uniform overflows"),
        ({"parameters": {"lr": PLAIN | {"max": 1000}}}, "lr: log_uniform overflows; its min and"),
        ({"parameters": {"lr": {"distribution": "log_normal", "mu": 1e3}}}, "log_normal overflows"),
        ({"parameters": {"lr": {"distribution": "normal", "sigma": -1}}}, "sigma: must be >= 0"),
        ({"parameters": {"lr": {"distribution": "normal", "sigma": NAN}}}, "must be a number, got"),
        ({"parameters": {"lr": {"distribution": "beta", "a": 0, "b": 0}}}, "lr: beta overflows"),
        ({"parameters": {"lr": {"distribution": "beta", "a": -1}}}, "lr.a: must be >= 0"),
        ({"parameters": {"lr": Q | {"q": 0}}}, "lr.q: must be > 0"),
        ({"parameters": {"lr": Q | {"q": 5e-324}}}, "lr: q_uniform overflows"),
        ({"parameters": {"lr": {"distribution": ["normal"]}}}, "unknown distribution ['normal']"),
        ({"parameters": {"lr": {"values": []}}}, "lr.values: must be a list, got []"),
        ({"parameters": {"lr": {"values": "ab"}}}, "lr.values: must be a list, got 'ab'"),
        ({"parameters": {"lr": {"values": [1, 2], "probabilities": [True, False]}}}, "from 0 to 1"),
        ({"parameters": {"lr": {"values": [1, 2], "probabilities": [NAN, 1]}}}, "from 0 to 1"),
        ({"parameters": {"lr": {"values": [1, 2], "probabilities": [1]}}}, "as many as values"),
        ({"parameters": {True: {"value": 1}}}, "the name True is no text; put it in quotes"),
        ({"parameters": {"a\n": {"value": 1}}}, "parameters: 'a\\n' is no name"),
        ({"parameters": {"": {"value": 1}}}, "parameters: '' is no name"),
        ({"parameters": {"a.b": {"value": 1}, "a": {"parameters": {"b": {"value": 2}}}}}, "twice"),
        ({"parameters": [1]}, "parameters: must be a table, got [1]"),
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
        sweep_file.parse(GOOD | change, "sweep.yaml")
    assert "\n" not in str(error.value) and len(str(error.value)) <= 400
    assert str(error.value).startswith("sweep.yaml: ") and line in str(error.value)


def test_wandbs_defaults() -> None:
    sweep = sweep_file.parse(GOOD | {"early_terminate": {"type": "hyperband", "min_iter": 3}})
    assert sweep.metric and sweep.metric.goal == "minimize"
    assert sweep.early_terminate and sweep.early_terminate.strict
    assert sweep.command == ["${env}", "${interpreter}", "${program}", "${args}"]
    assert sweep.num_configs is None


def test_a_file_that_is_no_yaml(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text("a: [")
    with pytest.raises(UserError, match=r"sweep\.yaml: "):
        sweep_file.load(path)
    with pytest.raises(UserError, match="No such file"):
        sweep_file.load(tmp_path / "missing.yaml")


def doubts(change: dict[str, Any]) -> list[str]:
    found: list[str] = []
    sweep_file.parse(GOOD | change, "sweep.yaml", found.append)
    return found


@pytest.mark.parametrize("key", ["run_name", "args", "count", "sweep_id", "settings"])
def test_an_unknown_key_is_left_out_with_a_warning(key: str) -> None:
    assert doubts({key: "x"}) == [f"sweep.yaml: {key}: unknown key, left out as W&B does"]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"run_caps": 3}, "run_caps: unknown key, left out as W&B does; did you mean run_cap?"),
        ({"metric": {"name": "a", "type": "x"}}, "metric.type: unknown key, left out"),
        ({"early_terminate": HYPERBAND | {"mode": 1}}, "early_terminate.mode: unknown key"),
        ({"x" * 10**6: 1}, "xxx..."),
        ({"parameters": {"lr": PLAIN}}, "lr: min and max of log_uniform are exponents, so it draws "
         "from 1.001 to 1.35; log_uniform_values takes the limits themselves"),
        ({"controller": {"type": "cloud"}}, "without a server, the controller is here"),
    ],
)  # fmt: skip
def test_what_wandb_warns_of(change: dict[str, Any], line: str) -> None:
    (found,) = doubts(change)
    assert line in found and len(found) <= 400


@pytest.mark.parametrize(
    "change",
    [
        {"controller": {"type": "local"}},
        {"parameters": {"lr": {"distribution": "log_uniform", "min": -9.2, "max": -2.3}}},
        {"command": []},
        {"command": None, "job": None, "entity": None, "run_cap": None, "metric": None},
        {"name": 123, "apiVersion": 1.0},
        {"parameters": {"++optim.lr": {"value": 1}, "model/depth": {"value": 1}, 3: {"value": 1}}},
        {"early_terminate": HYPERBAND | {"eta": 1e300}},
        {"early_terminate": {"type": "hyperband", "max_iter": 10**18, "s": 100, "eta": 1.0000001}},
    ],
)
def test_what_needs_no_warning(change: dict[str, Any]) -> None:
    assert doubts(change) == []


def test_numbers_that_yaml_reads_as_text() -> None:
    tables = {
        "a": {"min": "1e-5", "max": "1E-1"},
        "b": {"distribution": "int_uniform", "min": "1e1", "max": "1.e+2"},
        "c": {"values": [1, 2], "probabilities": ["2.5e-1", "75e-2"]},
        "d": {"values": ["1e-3", "1e-4"]},
    }
    metric = {"name": "loss", "target": "1e-3"}
    rule = {"type": "hyperband", "min_iter": "1e1", "eta": "2e0"}
    sweep = sweep_file.parse(
        GOOD | {"parameters": tables, "metric": metric, "early_terminate": rule, "run_cap": "1e2"}
    )
    a, b, c, d = sweep.drawn
    assert (a.kind, a.keys["min"], a.keys["max"]) == ("uniform", 1e-5, 0.1)
    assert (b.kind, b.at(0), b.at(1)) == ("int_uniform", 10, 100)
    assert c.keys["probabilities"] == [0.25, 0.75]
    assert d.at(0) == "1e-3"  # no number is required there: the program gets W&B's text
    assert sweep.metric and sweep.metric.target == 0.001
    assert sweep.early_terminate and sweep.early_terminate.bands[:2] == [10, 20]
    assert sweep.run_cap == 100


def test_a_huge_grid_is_counted_and_never_built() -> None:
    whole = {name: {"min": 1, "max": 10**300} for name in "abcdefgh"}
    tables = {**whole, "q": {**Q, "q": 1e-9}, "v": {"values": ["x", "y"]}}
    found: list[str] = []
    sweep = sweep_file.parse(GOOD | {"method": "grid", "parameters": tables}, say=found.append)
    assert sweep.num_configs == 10**2400 * 10**9 * 2
    assert found == [
        "sweep: parameters: a grid of about 10^2409 runs; run_cap or --count limits them"
    ]
    assert sweep.num_configs and [p.grid() is None for p in sweep.drawn] == [False] * 10


def test_a_long_name_fits_the_file_system() -> None:
    names = {
        sweep_file.folder_name(sweep_file.parse(GOOD | {"name": "x" * 5000 + tail}), Path("s.yaml"))
        for tail in "ab"
    }
    assert len(names) == 2 and all(len(name) < 120 for name in names)
    for name in ("../../x", "/etc/x", "a/b", "..", "."):
        folder = sweep_file.folder_name(sweep_file.parse(GOOD | {"name": name}), Path("s.yaml"))
        assert folder == Path(folder).name != ".."


@pytest.mark.parametrize("key", ["a.b.c", ".", "x.y", "metric.goal"])
def test_keys_with_dots_are_left_out_by_name(key: str) -> None:
    left = "unknown key, left out as W&B does"
    assert doubts({key: 1}) == [f"sweep.yaml: {key}: {left}"]
    assert doubts({"metric": {"name": "a", key: 1}}) == [f"sweep.yaml: metric.{key}: {left}"]
