"""How a run ended, and the file in its folder that says so."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from sambench.errors import UserError
from sambench.files import read_sealed, write_atomically, write_sealed
from sambench.scores import ACCURACY
from sambench.training import device
from sambench.training.older import named_scores
from sambench.training.run import Run

RESULT_FILE = "result.json"
ERROR_FILE = "error.txt"
"""Beside the result of a run that failed, and only there: the traceback, or what is known."""
PAUSED = "paused"
"""A run that waits at its checkpoint. It has no result, and goes on when it is trained again."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended. Scores are in their own unit, shares in [0, 1]; what was not measured is
    None, or is not there."""

    outcome: str
    """"complete", "pruned", "diverged" or "failed"; PAUSED is never written"""
    reason: str = ""
    epochs_done: int = 0
    objective: str = ACCURACY.name
    """name of the score that decides"""
    scores: Mapping[str, float] = field(default_factory=dict)
    """val_NAME and test_NAME of every score"""
    items: Mapping[str, tuple[bool | float, ...]] = field(default_factory=dict)
    """by name of a score: of each item of the test set, as `Score.items` says"""
    train_loss: float | None = None
    gradient_evaluations: float = 0.0
    steps: int = 0
    step_time_s: float | None = None
    """median over the epochs, the higher of two middle ones, of an epoch's mean training step"""
    wall_s: float = 0.0
    device: str = ""
    processor: str = ""
    instructions: str = ""
    """what torch used of the processor, whether images lay channels last though nobody had said so,
    which rounds in other ways, and by how many processes where several trained the run: each
    ascends on its own part of a batch, which gives other numbers"""
    threads: int = 1
    torch: str = torch.__version__
    peak_memory: int | None = None
    """bytes allocated on a CUDA device at most"""
    data: str = ""
    """digest of the data, empty where they are a Python caller's own"""
    wandb: str = ""
    """where W&B shows the run"""
    spent: Mapping[str, float] = field(default_factory=dict, compare=False)
    """seconds of the last process that trained it, by what they went to: see `spent`"""
    history: tuple[dict[str, float], ...] = field(default=(), repr=False)
    """a row per epoch: losses, scores, lr, gradient norms, cosine, rise, radius, speed"""

    @property
    def val(self) -> float | None:
        """The objective on the validation set."""
        return self.scores.get(f"val_{self.objective}")

    @property
    def test(self) -> float | None:
        """The objective on the test set."""
        return self.scores.get(f"test_{self.objective}")

    @property
    def curve(self) -> list[float]:
        """The objective on the validation set after each epoch."""
        return [row[f"val_{self.objective}"] for row in self.history]


def on_this_machine(
    outcome: Outcome, where: str, wall_s: float, processes: int = 1, how: Sequence[str] = ()
) -> Outcome:
    """The outcome with what it ran on, and how; `where`: torch's name of the device."""
    together = [] if processes == 1 else [f"{processes} processes"]
    return replace(
        outcome,
        wall_s=wall_s,
        device=device.describe(where),
        processor=device.describe("cpu"),
        instructions=", ".join([device.instructions(), *how, *together]),
        threads=torch.get_num_threads(),
    )


class Damaged(UserError):
    """A result cannot be believed."""


def write_outcome(run: Run, folder: Path, outcome: Outcome, error: str = "") -> None:
    """`error`: of a run that failed, what its error.txt says."""
    if outcome.outcome == "failed":
        told = error or f"{outcome.reason}\n"
        write_atomically(folder / ERROR_FILE, told.encode(errors="backslashreplace").decode())
    write_sealed(folder / RESULT_FILE, {"setting": run.setting, "outcome": asdict(outcome)})
    if outcome.outcome != "failed":
        (folder / ERROR_FILE).unlink(missing_ok=True)


def read_outcome(run: Run, folder: Path) -> Outcome | None:
    """The outcome that an earlier process left of this very run; Damaged if it is damaged."""
    path = folder / RESULT_FILE
    if not path.exists():
        return None
    try:
        stored = read_sealed(path)
        found = named_scores(stored["outcome"])
        found["history"] = tuple(found["history"])
        found["items"] = {name: tuple(values) for name, values in found["items"].items()}
        return Outcome(**found) if stored["setting"] == run.setting else None
    except (ValueError, KeyError, TypeError):
        raise Damaged(f"{path} is damaged; remove it, and its run is repeated") from None


def read_setting(folder: Path) -> dict[str, Any] | None:
    """What the search chose for the run that has ended there; None if none has, as one reads."""
    try:
        return read_sealed(folder / RESULT_FILE)["setting"]
    except (OSError, ValueError, KeyError):
        return None


def finished_outcome(run: Run, folder: Path) -> Outcome | None:
    """The same; a damaged one is told in a line and counts as none, so that its run is repeated."""
    try:
        return read_outcome(run, folder)
    except Damaged:
        print(f"sambench: {folder / RESULT_FILE} is damaged; its run is repeated", file=sys.stderr)
        return None
