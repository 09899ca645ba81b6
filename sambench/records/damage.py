"""What is wrong with lines of a records file, and with rows that pass for records."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sambench.records.lines import Block, Lines
from sambench.records.record import OUTCOMES, RUN, STAGES, Quantity, hyperparameters, letters

MARKERS = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")
NOT_COUNTED = "not counted"
REPEATS = "repeats line"
NAME = re.compile(r"\w[\w.-]*")
"""Of a label and of a registry key: other words could be taken for markup, paths or code."""
TESTED = ("confirm", "setting")
"""Stages whose runs see the test set."""
NUMBER = r": -?(0|[1-9][0-9]{0,15})(\.[0-9]{1,20})?(e-[0-9]{2})?([,}])"
"""As JSON writes the value of a hyperparameter, and what follows it."""
BASE64 = r"[A-Za-z0-9+/]*={0,2}"
MEASURED = ("gradient_evaluations", "step_time_s", "wall_s")
COUNTED = ("rerun", "epochs", "epochs_done", "num_items", "gradient_evaluations", "steps")

Rules = dict[str, np.ndarray]
"""What may be wrong with a row -> of which rows it is."""


@dataclass(frozen=True, order=True)
class Damage:
    """A line of a records file that does not count, and why."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


def unchecked(lines: Block, sums: np.ndarray) -> dict[int, str]:
    """What is wrong with the lines whose last cell is not the check of the others, by place."""
    wrong = np.flatnonzero(lines.checks() != sums).tolist()
    return {i: _unchecked(lines[i]) for i in wrong}


def copies(lines: Sequence[bytes] | Lines, sums: np.ndarray, first: int) -> dict[int, str]:
    """The lines that repeat another one, by number; `first` is that of the first line."""
    order = np.argsort(sums, kind="stable")
    twice = np.flatnonzero(np.diff(sums[order]) == 0)
    seen: dict[bytes, int] = {}
    found = {}
    for i in np.union1d(order[twice], order[twice + 1]).tolist():
        line = lines[i]
        if seen.setdefault(line, i) != i and not is_noise(line):
            found[first + i] = f"{REPEATS} {first + seen[line]}; counted once"
    return found


def is_noise(line: bytes) -> bool:
    """Whether a line is none of a study's: empty, or git's mark where two versions disagree."""
    return not line.strip() or line.startswith(MARKERS)


def is_extra(line: bytes, what: str) -> bool:
    """Whether a damaged line stands for no run of its own."""
    return is_noise(line) or what.startswith(REPEATS)


def implausible(frame: pd.DataFrame, header: Mapping[str, Any]) -> Mapping[int, str]:
    """What is wrong with rows that no study writes, whatever their check says; by index."""
    rules: Rules = {
        "variant must be a label: letters, digits, . _ -": _nameless(frame, "variant"),
        "key must be a name: letters, digits, . _ -": _nameless(frame, "key"),
        "variant and key are no arm of the study": _strange(frame, header["arms"]),
        "hyperparameters must be a JSON table of plain values": _unreadable(frame),
        "unknown stage": ~_among(frame, "stage", STAGES),
        "unknown outcome": ~_among(frame, "outcome", OUTCOMES),
        "no point of a pool": (_values(frame, "point") < 0) & ~_among(frame, "stage", ["setting"]),
        "lr must be finite": ~np.isfinite(_values(frame, "lr")),
        **{f"{name} must be finite": np.isinf(_values(frame, name)) for name in MEASURED},
        **{f"{name} must be >= 0": _values(frame, name) < 0 for name in COUNTED},
        **_of_scores(frame, header),
    }
    found: dict[int, str] = {}
    for what, broken in rules.items():
        for index in frame.index[broken]:
            found.setdefault(index, f"not a record: {what}; {NOT_COUNTED}")
    return found


def _of_scores(frame: pd.DataFrame, header: Mapping[str, Any]) -> Rules:
    """Of complete runs that saw the test set, of shares, and of what is kept of single items."""
    val, test = (f"{stage}_{header['objective']}" for stage in ("val", "test"))
    num_items = _values(frame, "num_items")
    complete = _among(frame, "stage", TESTED) & _among(frame, "outcome", ["complete"])
    rules: Rules = {
        f"a complete confirm run without {test}": complete & np.isnan(_values(frame, test)),
        "a complete confirm run without test items": complete
        & (num_items < 1)
        & _has_items(header),
        **{f"{name} must be finite": np.isinf(_values(frame, name)) for name in (val, test)},
    }
    columns = {f"measure_{m['name']}": m for m in header["measures"]}
    for quantity in (found for m in header["measures"] if (found := Quantity(**m)).axes):
        name = f"details_{quantity.name}"
        texts = frame[name].str
        rules[f"{name} is no base64 text"] = ~texts.fullmatch(BASE64).to_numpy(bool)
        sizes = {size for size in texts.len().unique().tolist() if not _holds(quantity, size)}
        rules[f"{name} does not fit its axes"] = texts.len().isin(sizes).to_numpy()
    for score in header["scores"]:
        columns |= {f"{stage}_{score['name']}": score for stage in ("val", "test")}
        if score["items"]:
            packed = frame[f"items_{score['name']}"].str
            rules[f"items_{score['name']} is no base64 text"] = ~packed.fullmatch(BASE64).to_numpy(
                bool
            )
            size = packed.len().to_numpy()
            rules[f"items_{score['name']} does not hold num_items values"] = (size != 0) & (
                size != letters(num_items, score["items"])
            )
    for name in (name for name, score in columns.items() if score["unit"] == "share"):
        rules[f"{name} outside 0 to 1"] = (_values(frame, name) < 0) | (_values(frame, name) > 1)
    return rules


def _holds(quantity: Quantity, letters: int) -> bool:
    """Whether base64 text of so many letters may be numbers along the axes, or none."""
    num = letters // 4 * 3 // 4
    whole = -(-4 * num // 3) * 4 == letters
    return not letters or (whole and quantity.shape(num) is not None)


def _has_items(header: Mapping[str, Any]) -> bool:
    """Whether a score is kept item by item."""
    return any(score["items"] for score in header["scores"])


def _values(frame: pd.DataFrame, name: str) -> np.ndarray:
    return frame[name].to_numpy()


def _among(frame: pd.DataFrame, name: str, words: Sequence[str]) -> np.ndarray:
    return frame[name].isin(words).to_numpy()


def _strange(frame: pd.DataFrame, arms: Mapping[str, Any]) -> np.ndarray:
    """Which rows are of no arm of the header."""
    named = frame[["variant", "key"]]
    pairs = named.drop_duplicates().astype("str").itertuples(index=True, name=None)
    known = {(label, arm["key"]) for label, arm in arms.items()}
    kinds = named.groupby(["variant", "key"], observed=True, sort=False).ngroup().to_numpy()
    return np.isin(kinds, [i for i, pair in enumerate(pairs) if pair[1:] not in known])


def _nameless(frame: pd.DataFrame, name: str) -> np.ndarray:
    words = [word for word in frame[name].unique() if NAME.fullmatch(word)]
    return ~_among(frame, name, words)


def _unreadable(frame: pd.DataFrame) -> np.ndarray:
    """Texts that differ in nothing but plain numbers are read once."""
    texts = pd.Series(frame["hyperparameters"].unique(), dtype="str")
    shapes = texts.str.replace(NUMBER, r": 0\4", regex=True)
    odd = [shape for shape in shapes.unique() if not _is_readable(shape)]
    broken = [text for text in texts[shapes.isin(odd)] if not _is_readable(text)]
    return _among(frame, "hyperparameters", broken)


def _is_readable(text: str) -> bool:
    try:
        hyperparameters(text)
    except ValueError:
        return False
    return True


def contradictory(frame: pd.DataFrame) -> Mapping[int, str]:
    """The rows of a run that another row tells differently, by index: none can be believed."""
    again = frame.duplicated(RUN, keep=False)
    found = {}
    for _, rows in frame[again].groupby(RUN, sort=False) if again.any() else ():
        for line in rows.index:
            others = ", ".join(str(other) for other in rows.index if other != line)
            found[line] = f"contradicts line {others} on the same run; neither is counted"
    return found


def _unchecked(line: bytes) -> str:
    if line.startswith(MARKERS):
        return "a conflict marker of git: resolve the conflict"
    if not line.strip():
        return "an empty line"
    return f"damaged: its check does not fit its cells; {NOT_COUNTED}"
