"""The printed snippet runs as printed and repeats the recorded run."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from sambench import records
from sambench.errors import UserError
from sambench.render.program import settings, snippet

Spec = dict[str, Any]

VARIATIONS = [
    {},
    {
        "base": "adamw",
        "betas": [0.8, 0.99],
        "warmup_epochs": 0.5,
        "label_smoothing": 0.1,
        "augment": "crop-flip-cutout",
    },
    {"nesterov": True, "schedule": "constant", "weight_decay": 0.0, "augment": "crop-flip"},
    {"base": "lion", "base_args": {"betas": [0.8, 0.9]}, "schedule": "wsd", "layer_decay": 0.9},
    {"ema": 0.5, "mixup": 0.2, "cutmix": 1.0, "augment": "randaugment"},
    {"augment": "randaugment"},
    {"amp": "fp16", "channels_last": True, "micro_batch": 20, "clip": 1.0, "tf32": False},
]


@pytest.mark.parametrize(
    "changes",
    VARIATIONS,
    ids=["defaults", "adamw", "nesterov", "lion", "mixed", "randaugment", "fp16"],
)
def test_the_snippet_prints_the_recorded_accuracy(
    spec: Spec,
    run: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: Spec,
):
    spec["train"] |= changes
    spec["task"] |= {"label_noise": 0.2, "split": {"train": 200, "val": 20, "test": 400}}
    run(spec)
    found = records.read(tmp_path / "runs" / "tiny" / "records.csv")
    program = snippet(found)
    compiled = compile(program, "snippet.py", "exec", dont_inherit=True)
    capsys.readouterr()
    exec(compiled, {"__name__": "__main__"})
    chosen = settings(found)
    assert capsys.readouterr().out == f"test accuracy: {chosen['test_accuracy']:.2%}\n"
    assert max(len(line) for line in program.splitlines()) < 200

    run_of = [r for r in found.records if r.stage == "confirm" and r.variant == chosen["label"]]
    first = min(run_of, key=lambda r: r.seed)
    assert (chosen["lr"], chosen["epochs"]) == (first.lr, first.epochs)
    assert chosen["test_accuracy"] == first.test_accuracy
    json.dumps(chosen)


def test_a_study_without_a_complete_confirm_run_has_no_best(spec: Spec, run: Any, tmp_path: Path):
    spec["search"]["space"]["lr"] = {"low": 1e5, "high": 1e6, "log": True}
    spec["train"] |= {"weight_decay": 1e3, "epochs": 6}
    run(spec)
    with pytest.raises(UserError, match="has no complete confirm run yet"):
        settings(records.read(tmp_path / "runs" / "tiny" / "records.csv"))


EVIL = "x\nimport os; os.abort()  #\"'\\"


def test_what_records_say_is_never_code(spec: Spec, run: Any, tmp_path: Path):
    """Whoever can count writes records with checks that fit: texts stay texts."""
    run(spec)
    found = records.read(tmp_path / "runs" / "tiny" / "records.csv")
    header = found.header
    header["spec"]["task"] |= {"model": EVIL, "dataset": EVIL, "model_args": {EVIL: EVIL}}
    plain = snippet(found)
    header["spec"]["train"] |= {"base": "lion", "base_args": {EVIL: [EVIL]}}
    for program in (plain, snippet(found)):
        tree = ast.parse(program)
        names = {node.name for each in ast.walk(tree) if isinstance(each, ast.Import)
                 for node in each.names}  # fmt: skip
        assert names <= {"math", "torch", "variants"}
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert EVIL in texts


@pytest.mark.parametrize(
    "text",
    ['{"rho=exit(), x": 1}', '{"class": 1}', '{"rho": NaN}', '{"rho": 1e999}', '{"rho": {}}', "[]",
     "[" * 100_000, "", "{"],
)  # fmt: skip
def test_hyperparameters_are_names_and_plain_values(text: str):
    with pytest.raises(ValueError):
        records.hyperparameters(text)
    assert records.hyperparameters('{"rho": 0.1, "form": "a"}') == {"rho": 0.1, "form": "a"}
