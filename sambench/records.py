"""The evidence of a study: one record per run, in a CSV file that pandas and people can read.

Line 1 is `# {json}`, the header; line 2 names the columns; every further line is one run, closed by
a checksum. `#` is written as \\u0023 elsewhere, so `pandas.read_csv(path, comment="#")` reads it.
"""

import base64
import csv
import io
import json
import operator
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pandas as pd

from sambench.errors import UserError
from sambench.files import write_atomically

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
"""Also, in files that a study writes: "defaults", label -> searched name -> the paper's value."""
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


@dataclass(frozen=True)
class Records:
    """All runs of a study and the header that says where they come from."""

    header: dict[str, Any]
    records: tuple[Record, ...]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per run, one column per field of Record, NaN where nothing was measured."""
        frame = pd.DataFrame([asdict(record) for record in self.records], columns=pd.Index(KINDS))
        numbers = {name: kind for name, kind in KINDS.items() if kind is not str}
        return frame.astype({name: int if kind is int else float for name, kind in numbers.items()})


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


def write(path: str | Path, header: Mapping[str, Any], records: Iterable[Record]) -> None:
    """Write the file in one step; `format` and `num_records` are filled in here."""
    lines = [_line(record) for record in records]
    full = {**header, "format": FORMAT, "num_records": len(lines)}
    head = json.dumps(full, allow_nan=False).replace("#", ESCAPES["#"])
    write_atomically(Path(path), "\n".join([f"# {head}", COLUMNS, *lines]) + "\n")


def read(path: str | Path) -> Records:
    """Read and check the file; damage is a UserError that names file and line."""
    path = Path(path)
    lines = _text(path).removesuffix("\n").split("\n")
    header = _header(lines[0], f"{path}: line 1")
    _check_columns("".join(lines[1:2]), f"{path}: line 2")
    records = tuple(_record(line, f"{path}: line {n}") for n, line in enumerate(lines[2:], start=3))
    if len(records) != header["num_records"]:
        found = f"{len(records)} records where the header promises {header['num_records']}"
        raise UserError(f"{path}: line {len(lines)}: the file ends here with {found}")
    return Records(header, records)


def _crc(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


def _line(record: Record) -> str:
    buffer = io.StringIO()
    cells = [_cell(getattr(record, name), kind) for name, kind in KINDS.items()]
    csv.writer(buffer, lineterminator="").writerow(cells)
    body = buffer.getvalue()
    return f"{body},{_crc(body)}"


def _cell(value: Any, kind: Any) -> str:
    if value is None:
        return ""
    if kind is str:
        return _swap(value, ESCAPES)
    return str(operator.index(value)) if kind in (int, int | None) else repr(float(value))


def _value(cell: str, kind: Any) -> str | int | float | None:
    if kind is str:
        return _swap(cell, {escaped: plain for plain, escaped in ESCAPES.items()})
    if not cell and kind in (float | None, int | None):
        return None
    return int(cell) if kind in (int, int | None) else float(cell)


def _swap(text: str, table: Mapping[str, str]) -> str:
    for old, new in table.items():
        text = text.replace(old, new)
    return text


def _record(line: str, where: str) -> Record:
    body, _, check = line.rpartition(",")
    if check != _crc(body):
        raise UserError(f"{where}: damaged or cut off: its check does not fit its cells")
    cells = next(csv.reader([body]))
    try:
        values = [_value(c, kind) for c, kind in zip(cells, KINDS.values(), strict=True)]
    except ValueError as error:
        raise UserError(f"{where}: not a record: {error}") from error
    return Record(*values)  # pyright: ignore[reportArgumentType]


def _header(line: str, where: str) -> dict[str, Any]:
    try:
        header = json.loads(line.removeprefix("# "))
    except ValueError as error:
        raise UserError(f"{where}: damaged header: {error}") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise UserError(f"{where}: not the header of a records file of format {FORMAT}")
    if missing := [key for key in HEADER_KEYS if key not in header]:
        raise UserError(f"{where}: the header lacks {', '.join(missing)}")
    return header


def _check_columns(line: str, where: str) -> None:
    found, wanted = line.split(","), COLUMNS.split(",")
    if missing := [name for name in wanted if name not in found]:
        raise UserError(f"{where}: missing column {', '.join(missing)}")
    if found != wanted:
        raise UserError(f"{where}: the columns must be {COLUMNS}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such records file") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{path}: line {line}: damaged: not UTF-8 text") from error
