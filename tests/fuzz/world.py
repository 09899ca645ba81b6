"""The valid inputs that cases are made from: a tiny study, finished; a trial, begun and whole."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.fuzz.harness import ROOT, Case, Result, run

TINY: dict[str, Any] = {
    "question": "Which of two?",
    "seed": 0,
    "variants": ["sam"],
    "variant": [{"name": "plain", "length": 1}],
    "task": {
        "dataset": "synthetic",
        "image_size": 8,
        "label_noise": 0.0,
        "split": {"train": 64, "val": 20, "test": 30},
        "model": "test_resnet",
    },
    "train": {"base": "sgd", "momentum": 0.9, "epochs": 1, "batch_size": 32},
    "search": {
        "budget": 2.0,
        "searches": 1,
        "space": {"lr": {"low": 0.01, "high": 0.5, "log": True}},
    },
}
STUDY = ("study", "tiny.toml", "--device", "cpu", "--workers", "1")
TRIAL = ("trial", "tiny.toml", "--variant", "sam", "--lr", "0.1", "--device", "cpu")
EPOCHS = ("--set", "train.epochs=6")
BEGUN = (*TRIAL, *EPOCHS, "--out", "out", "--checkpoint-every", "0", "--json")
TIMES = ("wall_s", "step_time_s", "peak_memory")


@dataclass(frozen=True)
class World:
    """Where they are. Made by the code that is tested, once."""

    folder: Path

    @cached_property
    def study(self) -> bytes:
        """The file of the tiny study."""
        from tests.fuzz.mutations import toml

        return toml(TINY).encode()

    @cached_property
    def runs(self) -> Path:
        """What the finished study left: a folder `runs`."""
        case = Case("the tiny study", STUDY, {"tiny.toml": self.study}, writes=("runs/*",))
        return self._made("study", case).work / "runs"

    @cached_property
    def records(self) -> list[bytes]:
        """Whole records files: the tiny study's, and those published."""
        paths = [self.runs / "tiny" / "records.csv", *sorted(ROOT.glob("leaderboards/*.csv"))]
        return [path.read_bytes() for path in paths]

    @cached_property
    def part(self) -> bytes:
        """Records of the first point of its pools."""
        case = Case(
            "a part of the tiny study",
            (*STUDY, "--points", "0:1"),
            {"tiny.toml": self.study},
            writes=("runs/*",),
        )
        return (self._made("part", case).work / "runs" / "tiny" / "records.csv").read_bytes()

    @cached_property
    def outcome(self) -> dict[str, Any]:
        """What a trial comes to when nothing disturbs it, times left out."""
        case = Case("a trial", BEGUN, {"tiny.toml": self.study}, writes=("out/*", "runs/*"))
        return told(self._made("trial", case))

    @cached_property
    def begun(self) -> Path:
        """The folder of that trial, stopped somewhere on its way, with a checkpoint."""
        return self._begun()

    def _made(self, name: str, case: Case) -> Result:
        result, broken = run(case, self.folder / name)
        assert result.code == 0 and not broken, (broken, result.err)
        return result

    def _begun(self) -> Path:
        """Its checkpoint is copied while it runs."""
        kept, out = self.folder / "begun", self.folder / "watched" / "work" / "out"
        kept.mkdir(parents=True)
        case = Case("a trial", BEGUN, {"tiny.toml": self.study}, writes=("out/*", "runs/*"))
        with ThreadPoolExecutor(1) as pool:
            watched = pool.submit(self._made, "watched", case)
            while not (kept / "checkpoint.pt").exists() and not watched.done():
                with suppress(FileNotFoundError):
                    (kept / "checkpoint.pt").write_bytes((out / "checkpoint.pt").read_bytes())
        shutil.copy(out / "trial.json", kept)
        watched.result()
        assert (kept / "checkpoint.pt").exists(), "no checkpoint was seen"
        return kept


def told(result: Result) -> dict[str, Any]:
    """The outcome that a trial printed, without what a clock says."""
    found = json.loads(result.out)
    found["history"] = [_timeless(row) for row in found.get("history") or ()]
    return _timeless(found)


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if not k.endswith("_s") and k not in TIMES}
