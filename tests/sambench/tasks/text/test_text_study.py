"""A study of texts through the command line, from its file to its page."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sambench import records
from sambench.cli import main

Call = Callable[..., tuple[int, str]]
STUDY = """
variants = ["plain"]
variant = [{ name = "sam", fix = { rho = 0.05 } }]

[task]
kind = "text"
dataset = "DATASET"
ratings = "ratings"
threshold = 0.0
objective = "balanced_accuracy"
model = "config:bert"
model_args = { hidden_size = 32, num_attention_heads = 2, num_hidden_layers = 1 }
tokenizer = "words:50"
max_tokens = 16

[train]
base = "adamw"
decay_norm_and_bias = false
warmup_epochs = 1.0
epochs = 8
batch_size = 8

[search]
lr = 0.01

[confirm]
seeds = 2
"""

OPTIONS = ("--root", ".", "--wandb", "disabled", "--workers", 1, "--device", "cpu")


@pytest.fixture
def study(tmp_path: Path, file: Path) -> Path:
    path = tmp_path / "films.toml"
    path.write_text(STUDY.replace("DATASET", str(file)))
    return path


@pytest.fixture
def call(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Call:
    """(exit code, all output) of `sambench ...` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str]:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["sambench", *map(str, arguments)])
        with pytest.raises(SystemExit) as done:
            main()
        return int(done.value.code or 0), "".join(capfd.readouterr())

    return call


def test_it_runs_to_its_page_and_its_program_names_the_task(
    study: Path, tmp_path: Path, call: Call
):
    code, said = call("study", study, *OPTIONS)
    assert code == 0, said
    assert "a single rater's label is wrong for" in said
    found = records.read(tmp_path / "films" / "records.csv")
    tested = [run.test["balanced_accuracy"] for run in found.records if run.stage == "confirm"]
    assert len(tested) == 8 and max(tested) > 0.8
    page = (tmp_path / "films" / "leaderboard.md").read_text()
    assert "test balanced accuracy, %" in page and "config:bert on " in page
    assert "films.csv, each label by a single rater (" in page and "image" not in page
    code, program = call("best", tmp_path / "films", "--format", "python")
    assert code == 0, program
    assert "from sambench.tasks.text import TextClassification" in program
    assert "        replay=True,\n    )" in program
    compile(program, "program", "exec")


def test_what_is_wrong_is_said_before_anything_runs(study: Path, tmp_path: Path, call: Call):
    code, said = call("study", study, *OPTIONS, "--set", "task.ratings=rating")
    assert code == 2 and "has no column 'rating', did you mean ratings?" in said
    assert not (tmp_path / "films").exists()
