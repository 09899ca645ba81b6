"""`torchrun -m sambench trial`: two real processes train what one does."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from sambench import config
from sambench.cli import main
from sambench.study import trial
from sambench.tasks import Shard, images

pytestmark = pytest.mark.slow
SAME = 1e-5  # relative; float32, sums in another order
TOML = """
variants = ["plain"]

[task]
dataset = "synthetic"
image_size = 32
split = { train = 66, val = 20, test = 30 }
model = "test_vit"  # without BatchNorm

[train]
epochs = 12
batch_size = 33  # 16 and 17
augment = "crop-flip-cutout"
mixup = 0.2
cutmix = 1.0
ema = 0.9
clip = 1.0
micro_batch = 10

[search]
budget = 2
searches = 1
space.lr = { low = 0.01, high = 0.5, log = true }
"""
EPOCHS = 12


@pytest.fixture(autouse=True)
def warm(warm_python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of torchrun and all that it starts."""
    monkeypatch.setattr("sys.executable", warm_python)
    monkeypatch.setenv("PYTHON_EXEC", warm_python)  # torchrun's


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(TOML)
    return path


def start(study: Path, variant: str, *words: str) -> subprocess.Popen[str]:
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    options = ("--variant", variant, "--lr", "0.05", "--device", "cpu", "--json", "--out", "out")
    command = (*torchrun, "-m", "sambench", "trial", str(study), *options)
    return subprocess.Popen(
        [sys.executable, *command, "--checkpoint-every", "0", *words],
        cwd=study.parent, env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[str, list[str]]:
    """What it printed, and its lines about what went wrong."""
    out, err = process.communicate(timeout=300)
    return out, [line for line in err.splitlines() if line.startswith("sambench: ")]


def alone(study: Path, variant: str, *overrides: str) -> dict[str, Any]:
    run = trial.plan(config.load(study, overrides), variant, lr=0.05, on="cpu")
    folder = study.parent / "alone"
    return trial.as_dict(run, trial.execute(run, folder, study.parent / "cache"))


def same(found: dict[str, Any], expected: dict[str, Any], *own: str) -> None:
    """Losses, norms and scores of all epochs, without those that each process has of its own."""
    assert len(found["history"]) == len(expected["history"]) == EPOCHS
    apart = {"step_time_s", "items_per_s", *own}
    for row, wanted in zip(found["history"], expected["history"], strict=True):
        assert row.keys() == wanted.keys()
        for key in row.keys() - apart:
            if key.startswith(own):
                continue
            assert row[key] == pytest.approx(wanted[key], rel=SAME, nan_ok=True), key


def test_synced_processes_train_what_one_does(study: Path):
    out, errors = ended(start(study, "sam", "--set", "train.ascent=synced"))
    assert errors == []
    same(json.loads(out), alone(study, "sam"))
    assert sorted(p.name for p in (study.parent / "out").iterdir()) == ["result.json", "trial.json"]


def test_terminated_they_say_so_once_and_go_on_together(study: Path):
    """In the mode "local", which for the baseline is one process's own."""
    checkpoint = study.parent / "out" / "checkpoint.pt"
    process = start(study, "plain")
    end = time.monotonic() + 200
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, errors = ended(process)
    assert process.returncode != 0
    assert errors == ["sambench: interrupted; the same command goes on from here"]
    assert checkpoint.exists()
    out, errors = ended(start(study, "plain"))
    assert errors == []
    same(json.loads(out), alone(study, "plain"), "grad_norm")


@pytest.mark.parametrize("rank", [0, 1])
def test_a_study_is_refused(
    rank: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["sambench", "study", "digits"])
    with pytest.raises(SystemExit) as done:
        main()
    line = "sambench: a study runs without torchrun, which is for `trial`; here use --workers\n"
    assert done.value.code == 2
    assert capsys.readouterr().err == (line if rank == 0 else "")


@pytest.mark.parametrize("mixed", [{}, {"mixup": 0.3}, {"cutmix": 1.0}])
def test_shares_make_up_the_batches_of_one_process(mixed: dict[str, float], study: Path):
    """To the bit, also where an image is mixed with one of another process."""
    sets = images.load(config.load(study).task, {"split": 0, "labels": 0})

    def epoch(shard: Shard) -> list[tuple[Any, Any]]:
        found = images.epoch_batches(
            sets.train, batch_size=7, seed=0, epoch=1, augment="randaugment", mean=sets.mean,
            std=sets.std, classes=10, shard=shard, **mixed,
        )  # fmt: skip
        return list(found)

    parts = zip(*(epoch(Shard(rank, 3)) for rank in range(3)), strict=True)
    for (x, y), shares in zip(epoch(Shard()), parts, strict=True):
        assert [len(labels) for _, labels in shares] == [2, 2, 3]
        assert torch.equal(torch.cat([part for part, _ in shares]), x)
        assert torch.equal(torch.cat([labels for _, labels in shares]), y)
    assert [Shard(rank, 3).weight(7) for rank in range(3)] == pytest.approx([6 / 7, 6 / 7, 9 / 7])
