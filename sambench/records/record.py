"""The evidence of a study: one record per run, in a CSV file that pandas and people can read.

Line 1 is `# {json}`, the header; line 2 names the columns; every further line is one run, closed by
a checksum. `#` is written as \\u0023 elsewhere, so `pandas.read_csv(path, comment="#")` reads it.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_type_hints

import numpy as np

FORMAT = 2
HEADER_KEYS = (
    "format",  # of this file
    "num_records",
    "study",  # name
    "spec",  # Study.model_dump(mode="json")
    "spaces",  # label -> searched name -> Space, as resolved by Study.arms()
    "command",
    "commit",
    "date",
    "versions",  # package -> version
    "hardware",  # what the host is and how it was set: name -> value
    "test_runs",  # how often this study has touched its test set
)
"""Also, in files that a study writes: "defaults", label -> searched name -> the paper's value, and
"data_digest", 32 hex digits of all the data, where they are not a Python caller's own."""
STAGES = ("search", "finalist", "confirm")
OUTCOMES = ("complete", "pruned", "diverged", "failed")
RUN = ["variant", "stage", "trial", "seed", "source"]
"""The columns that name a run: no two records agree in all of them."""
ESCAPES = {"#": "\\u0023", "\n": "\\u000a", "\r": "\\u000d"}


@dataclass(frozen=True)
class Record:
    """One run. Accuracies lie in [0, 1]; None where nothing was measured."""

    study: str
    variant: str  # label
    key: str  # registry key
    stage: str  # "search" | "finalist" | "confirm"
    trial: int  # the search trial whose configuration this is
    seed: int
    seed_split: int
    seed_labels: int
    seed_init: int
    seed_order: int
    lr: float
    rho: float | None  # the variant's radius, whatever its name
    hyperparameters: str  # JSON text of all of the variant's hyperparameters
    epochs: int  # schedule length
    epochs_done: int
    outcome: str  # "complete" | "pruned" | "diverged" | "failed"
    reason: str
    val_accuracy: float | None
    val_loss: float | None
    test_accuracy: float | None
    test_loss: float | None
    train_loss: float | None
    test_correct: str  # pack(which test images were right), "" unless stage is "confirm"
    num_test: int
    gradient_evaluations: float  # counted, in full-batch gradients
    steps: int
    step_time_s: float | None  # mean training step
    wall_s: float
    device: str
    threads: int
    torch: str  # version
    source: str  # "study" | "sweep", a trial that a W&B agent ran
    curve: str  # curve_text(validation accuracy after each epoch)
    peak_memory: int | None  # bytes allocated on a CUDA device at most
    wandb: str  # where W&B shows the run, "" if nowhere


KINDS: dict[str, Any] = get_type_hints(Record)
COLUMNS = ",".join([*KINDS, "check"])


def pack(correct: np.ndarray) -> str:
    """Which test images a run got right, bool (images,), as short text."""
    return base64.b64encode(np.packbits(correct).tobytes()).decode("ascii")


def unpack(text: str, num_test: int) -> np.ndarray:
    """The bool (images,) array that `pack` wrote."""
    bits = np.frombuffer(base64.b64decode(text), dtype=np.uint8)
    return np.unpackbits(bits, count=num_test).astype(bool)


def curve_text(accuracies: Iterable[float]) -> str:
    """Validation accuracy after each epoch, as short text.

    >>> curve_text([0.25, 0.875])
    '0.2500 0.8750'
    """
    return " ".join(f"{accuracy:.4f}" for accuracy in accuracies)
