"""The evidence of a study: one record per run, in a CSV file that pandas and people can read.

Line 1 is `# {json}`, the header; line 2 names the columns; every further line is one run, closed by
a checksum. `#` is written as \\u0023 elsewhere, so `pandas.read_csv(path, comment="#")` reads it.
"""

import base64
import json
import keyword
import math
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, get_type_hints

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sambench.scores import Items, Score

FORMAT = 3
STAGES = ("pool", "confirm", "setting", "sweep")
OUTCOMES = ("complete", "pruned", "diverged", "failed")
RUN = ["variant", "stage", "point", "rerun", "source"]
"""The columns that name a run: no two records agree in all of them."""
ESCAPES = {"#": "\\u0023", "\n": "\\u000a", "\r": "\\u000d"}
"""Of the format, wherever they stand in a cell."""
FORMULAS = {"=": "\\u003d", "+": "\\u002b", "-": "\\u002d", "@": "\\u0040", "\t": "\\u0009"}
"""At the start of a text, where a spreadsheet would compute what follows."""
BACKSLASH = "\\u005c"
"""Stands for that of a text which looks like an escape."""


@dataclass(frozen=True)
class Record:
    """One run. Scores are in their own unit, shares in [0, 1]; None where nothing was measured."""

    study: str
    variant: str  # label
    key: str  # registry key
    stage: str  # "pool" | "confirm" | "setting" | "sweep"
    point: int  # of the pool; -1 for a setting's runs; the number of a sweep's trial
    rerun: int  # of the point or the setting
    rank: int | None  # of the point in the pool, when this was written; of confirm runs
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
    train_loss: float | None
    num_items: int  # of the test set that the run was scored on
    gradient_evaluations: float  # counted, in full-batch gradients
    steps: int
    step_time_s: float | None  # median over epochs of an epoch's mean training step
    wall_s: float
    device: str  # the accelerator, or the processor where there is none
    processor: str  # model name
    instructions: str
    """what torch used of it, and how: "AVX2", "AVX2, channels last, 4 processes" that trained it"""
    threads: int
    torch: str  # version
    data: str  # digest of the data, "" where they are a Python caller's own
    source: str  # "study" | "sweep", a trial that a W&B agent ran
    curve: str  # curve_text of the objective on validation data after each epoch
    peak_memory: int | None  # bytes allocated on a CUDA device at most
    wandb: str  # where W&B shows the run, "" if nowhere
    val: Mapping[str, float | None] = field(default_factory=dict)  # by name of a score
    test: Mapping[str, float | None] = field(default_factory=dict)  # confirm and setting only
    items: Mapping[str, str] = field(default_factory=dict)  # per test item, by `pack_items`
    measures: Mapping[str, float | None] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)  # of measures, by `pack_numbers`


NAMED = {
    "val": "val_",
    "test": "test_",
    "items": "items_",
    "measures": "measure_",
    "details": "details_",
}
"""Fields of a record that hold named values, and how their columns begin."""

FIXED: dict[str, object] = {k: v for k, v in get_type_hints(Record).items() if k not in NAMED}
"""Columns that every file has, and their types."""


Tick = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]*$", max_length=40)]


class Axis(BaseModel):
    """What numbers are laid out along."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9 _-]*$", max_length=30)]
    ticks: Annotated[tuple[float | Tick, ...], Field(strict=False)] = ()
    """where they stand; empty where only the data know how many there are"""


class Quantity(Score):
    """What is measured of weights; it may sum up numbers that are kept beside it."""

    role: Literal["sharpness", "gap"] | None = None
    """a rise or curvature of the training loss; how much worse than training the test is"""
    axes: Annotated[tuple[Axis, ...], Field(strict=False)] = ()
    """of those numbers; empty if there are none"""

    @property
    def axes_named(self) -> tuple[str, ...]:
        return tuple(axis.name for axis in self.axes)

    def shape(self, num: int) -> tuple[int, ...] | None:
        """Of so many numbers along the axes, the open ones equally long; None if none fits."""
        sizes = [len(axis.ticks) for axis in self.axes]
        known, open_ = math.prod(size for size in sizes if size), sizes.count(0)
        each = round((num / known) ** (1 / open_)) if open_ else 1
        fits = bool(sizes) and num > 0 and known * each**open_ == num
        return tuple(size or each for size in sizes) if fits else None


def kinds(scores: Iterable[Score], measures: Iterable[Quantity] = ()) -> dict[str, object]:
    """The columns of a file with these scores and measures, and their types."""
    listed, measures = list(scores), list(measures)
    names = [f"{stage}_{score.name}" for stage in ("val", "test") for score in listed]
    names += [f"measure_{measure.name}" for measure in measures]
    texts = [f"items_{score.name}" for score in listed if score.items]
    texts += [f"details_{measure.name}" for measure in measures if measure.axes]
    return {**FIXED, **dict.fromkeys(names, float | None), **dict.fromkeys(texts, str)}


def cell(record: Record, column: str) -> object:
    """What a record has in a column."""
    if column in FIXED:
        return getattr(record, column)
    stage, _, name = column.partition("_")
    if stage in ("items", "details"):
        return getattr(record, stage).get(name, "")
    values = {"val": record.val, "test": record.test, "measure": record.measures}
    return values[stage].get(name)


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
        found = _JSON.decode(text)
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


_JSON = json.JSONDecoder(parse_constant=_no_number)


def pack(correct: np.ndarray) -> str:
    """Which test items a run got right, bool (items,), as short text."""
    return base64.b64encode(np.packbits(correct).tobytes()).decode("ascii")


def unpack(text: str, num_items: int) -> np.ndarray:
    """The bool (items,) array that `pack` wrote."""
    bits = np.frombuffer(base64.b64decode(text), dtype=np.uint8)
    return np.unpackbits(bits, count=num_items).astype(bool)


def pack_numbers(values: np.ndarray) -> str:
    """Numbers in single precision, the last axis fastest, as short text."""
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode("ascii")


def unpack_numbers(text: str) -> np.ndarray:
    """The float64 (n,) that `pack_numbers` wrote."""
    content = base64.b64decode(text)
    return np.frombuffer(content, "<f4", len(content) // 4).astype(float)


def pack_items(values: Sequence[bool] | Sequence[float], kind: Items | None) -> str:
    """What a run has of each test item (items,), as its score keeps it."""
    return pack(np.array(values, bool)) if kind == "bits" else pack_numbers(np.array(values))


def unpack_items(text: str, num_items: int, kind: Items | None) -> tuple[bool | float, ...]:
    """The same from its text."""
    found = unpack(text, num_items) if kind == "bits" else unpack_numbers(text)
    return tuple(found.tolist())


def letters(num_items: int | np.ndarray, kind: Items | None) -> int | np.ndarray:
    """Of the text that holds so many items."""
    return -(-num_items // 24) * 4 if kind == "bits" else -(-4 * num_items // 3) * 4


def unpack_bytes(texts: Sequence[str]) -> np.ndarray:
    """Of runs on as many items each, what `pack` wrote: uint8 (runs, bytes), 8 items a byte."""
    joined = "".join(texts).replace("=", "A")  # so that no text ends within the whole
    return np.frombuffer(base64.b64decode(joined), np.uint8).reshape(len(texts), -1)


def curve_text(values: Iterable[float], of: Score) -> str:
    """The objective on validation data after each epoch, as short text.

    >>> from sambench.scores import ACCURACY
    >>> curve_text([0.25, 0.875], ACCURACY)
    '0.2500 0.8750'
    """
    form = ".4f" if of.in_percent else ".6g"
    return " ".join(f"{value:{form}}" for value in values)
