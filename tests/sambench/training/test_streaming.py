"""Runs on pictures that stay in their files: as in memory, and no process outlives one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from sambench import config, records, tasks
from sambench.config import fingerprint
from sambench.errors import UserError
from sambench.study import trial
from sambench.tasks.images import streaming
from sambench.training.outcome import Outcome
from sambench.training.progress import Report

TOML = """
variants = ["plain", "sam"]

[task]
dataset = "folder:pictures"
image_size = 12
label_noise = 0.2
model = "test_resnet"

[train]
epochs = 3
batch_size = 8
augment = "crop-flip-cutout"
mixup = 0.2
cutmix = 1.0

[search]
budget = 2
searches = 1
space.lr = { low = 0.01, high = 0.5, log = true }
"""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study on 50 JPEGs of all sizes, in the working directory."""
    rng = np.random.default_rng(0)
    for part, num in (("train", 20), ("test", 5)):
        for name in ("ape", "bee"):
            (tmp_path / "pictures" / part / name).mkdir(parents=True)
            for i in range(num):
                pixels = rng.integers(0, 256, (*rng.integers(9, 20, 2), 3), np.uint8)
                Image.fromarray(pixels).save(tmp_path / "pictures" / part / name / f"{i}.jpg")
    path = tmp_path / "pictures.toml"
    path.write_text(TOML)
    monkeypatch.chdir(tmp_path)
    return path


def timeless(outcome: Outcome) -> str:
    rows = [{k: v for k, v in row.items() if k not in ("step_time_s", "items_per_s")}
            for row in outcome.history]  # fmt: skip
    return repr((outcome.outcome, outcome.scores["val_loss"], outcome.train_loss, rows))


def stop_after(epoch: int) -> Callable[[dict[str, float]], bool]:
    def report(row: dict[str, float]) -> bool:
        if row["epoch"] == epoch:
            raise KeyboardInterrupt
        return False

    return report


def test_a_run_may_stream_and_go_on_in_memory(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """And the other way round; all equal to one in memory, to the bit."""

    def run(folder: str, stream: str, report: Report = lambda row: False) -> Outcome:
        loaded = config.load(study, [f"task.stream={stream}"])
        found = trial.plan(loaded, "sam", lr=0.1, on="cpu")
        return trial.execute(found, tmp_path / folder, tmp_path / "cache", report, 0.0)

    monkeypatch.setattr(streaming, "num_workers", lambda device: 1)
    expected = timeless(run("memory", "false"))
    for first, second in (("true", "false"), ("false", "true")):
        with pytest.raises(KeyboardInterrupt):
            run(first, first, stop_after(2))
        assert timeless(run(first, second)) == expected
    assert timeless(run("stream", "true")) == expected


def test_a_study_is_the_same_however_it_reads(study: Path):
    plain, stream = config.load(study), config.load(study, ["task.stream=true"])
    assert "stream" not in plain.model_dump(mode="json")["task"]
    assert fingerprint(plain) == fingerprint(stream)
    assert config.changed_keys(plain.model_dump(), stream.model_dump()) == []
    assert config.parse(stream.model_dump(mode="json")).task.stream is True


def test_a_trial_does_not_go_on_with_other_pictures(study: Path, tmp_path: Path):
    found = trial.plan(config.load(study), "plain", lr=0.1, on="cpu")

    def run(report: Report = lambda row: False) -> Outcome:
        return trial.execute(found, tmp_path / "out", tmp_path / "cache", report, 0.0)

    with pytest.raises(KeyboardInterrupt):
        run(stop_after(2))
    path = tmp_path / "pictures" / "train" / "ape" / "3.jpg"
    before = path.read_bytes()
    Image.new("RGB", (9, 9)).save(path)
    with pytest.raises(UserError, match=r"has changed since the trial in .*out began; undo that"):
        run()
    path.write_bytes(before)
    assert run().outcome == "complete"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_study_does_not_go_on_with_other_pictures(
    study: Path, tmp_path: Path, run: Any, workers: int
):
    """Neither resumed nor while it runs; restored, it goes on."""
    path = tmp_path / "pictures" / "train" / "ape" / "3.jpg"
    before = path.read_bytes()

    def edit(*_: Any, **__: Any) -> None:
        Image.new("RGB", (9, 9)).save(path)

    settings = ("train.epochs=1",)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sambench.study.display.lines.Lines.ended", edit)
        with pytest.raises(UserError, match="folder:pictures has changed since the study began"):
            run(study, settings, workers=workers)
    with pytest.raises(UserError, match=r"the first: train/ape/3\.jpg is another; undo that"):
        run(study, settings)
    path.write_bytes(before)
    run(study, settings)
    folder = tmp_path / "runs" / "pictures"
    header = records.read(folder / "records.csv").header
    contents = json.loads((folder / "data.json").read_text())
    assert header["data_digest"] == tasks.digest(contents) and len(contents) == 50


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_a_run(study: Path, tmp_path: Path, number: signal.Signals):
    words = ("--variant", "plain", "--lr", "0.1", "--device", "cpu", "--out", "out")
    overrides = ("--set", "task.stream=true", "--set", "train.epochs=10000")
    process = subprocess.Popen(
        [sys.executable, "-m", "sambench", "trial", str(study), *words, *overrides,
         "--checkpoint-every", "0"],
        env={**os.environ, "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"},
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    end = time.monotonic() + 200
    while not (tmp_path / "out" / "checkpoint.pt").exists():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(number)
    _, err = process.communicate(timeout=200)
    if number == signal.SIGTERM:
        assert process.returncode == 130
        assert err.strip() == "sambench: interrupted; the same command goes on from here"
    assert not psutil.wait_procs(children, timeout=30)[1]
