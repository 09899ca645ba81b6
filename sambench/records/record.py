"""The evidence of a study: one record per run, in a CSV file that pandas and people can read.

Line 1 is `# {json}`, the header; line 2 names the columns; every further line is one run, closed by
a checksum. `#` is written as \\u0023 elsewhere, so `pandas.read_csv(path, comment="#")` reads it.
"""

import base64
import json
import keyword
import math
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_type_hints

import numpy as np

FORMAT = 2
STAGES = ("search", "finalist", "confirm")
OUTCOMES = ("complete", "pruned", "diverged", "failed")
RUN = ["variant", "stage", "trial", "seed", "source"]
"""The columns that name a run: no two records agree in all of them."""
ESCAPES = {"#": "\\u0023", "\n": "\\u000a", "\r": "\\u000d"}
"""Of the format, wherever they stand in a cell."""
FORMULAS = {"=": "\\u003d", "+": "\\u002b", "-": "\\u002d", "@": "\\u0040", "\t": "\\u0009"}
"""At the start of a text, where a spreadsheet would compute what follows."""
BACKSLASH = "\\u005c"
"""Stands for that of a text which looks like an escape."""


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
    step_time_s: float | None  # median over epochs of an epoch's mean training step
    wall_s: float
    device: str
    threads: int
    torch: str  # version
    source: str  # "study" | "sweep", a trial that a W&B agent ran
    curve: str  # curve_text(validation accuracy after each epoch)
    peak_memory: int | None  # bytes allocated on a CUDA device at most
    wandb: str  # where W&B shows the run, "" if nowhere


KINDS: dict[str, object] = get_type_hints(Record)
COLUMNS = ",".join([*KINDS, "check"])


def escape(text: str) -> str:
    """A text as a cell: on one line, and no formula.

    >>> escape("=1+1")
    '\\\\u003d1+1'
    """
    text = text.replace("\\u00", f"{BACKSLASH}u00")
    for plain, escaped in ESCAPES.items():
        text = text.replace(plain, escaped)
    return FORMULAS.get(text[:1], text[:1]) + text[1:]


def hyperparameters(text: str) -> dict[str, int | float | str]:
    """Of a record's JSON text: names and plain values; ValueError for anything else."""
    try:
        found = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("hyperparameters are nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError(f"hyperparameters must be a table, got {reprlib.repr(found)}")
    for name, value in found.items():
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError(f"no name of a hyperparameter: {reprlib.repr(name)}")
        if not isinstance(value, int | float | str) or value in (math.inf, -math.inf):
            raise ValueError(f"{reprlib.repr(name)}: no plain value: {reprlib.repr(value)}")
    return found


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no value of a hyperparameter")


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
