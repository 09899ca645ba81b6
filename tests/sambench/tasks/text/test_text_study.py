"""A study of texts through the command line, from its file to its page."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from sambench import records
from sambench.cli import main

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
model_args = { hidden_size = 16, num_hidden_layers = 1, num_attention_heads = 2 }
tokenizer = "wordpiece:200"
max_tokens = 16

[train]
base = "adamw"
decay_norm_and_bias = false
warmup_epochs = 1.0
epochs = 4
batch_size = 16

[search]
lr = 0.01

[confirm]
seeds = 2
"""


@pytest.fixture
def study(tmp_path: Path, file: Path) -> Path:
    path = tmp_path / "films.toml"
    path.write_text(STUDY.replace("DATASET", str(file)))
    return path


def call(*args: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(own) for own in args])
    return done.exit_code, done.output


def test_it_runs_to_its_page_and_its_program_names_the_task(study: Path, tmp_path: Path):
    options = ("--root", tmp_path, "--wandb", "disabled", "--workers", 1)
    code, said = call("study", study, *options)
    assert code == 0, said
    assert "a single rater's label is wrong for" in said
    found = records.read(tmp_path / "films" / "records.csv")
    tested = [run.test["balanced_accuracy"] for run in found.records if run.stage == "confirm"]
    assert len(tested) == 4 and min(tested) > 0.8
    page = (tmp_path / "films" / "leaderboard.md").read_text()
    assert "test balanced accuracy, %" in page and "config:bert on " in page
    assert "image" not in page
    code, program = call("best", tmp_path / "films", "--format", "python")
    assert code == 0, program
    assert "from sambench.tasks.text import TextClassification" in program
    assert "        replay=True,\n    )" in program
    compile(program, "program", "exec")


def test_what_is_wrong_is_said_before_anything_runs(study: Path, tmp_path: Path):
    options = ("--root", tmp_path, "--wandb", "disabled", "--workers", 1)
    code, said = call("study", study, *options, "--set", "task.ratings=rating")
    assert code == 2 and "has no column 'rating', did you mean ratings?" in said
    assert not (tmp_path / "films").exists()
