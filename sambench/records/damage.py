"""What is wrong with lines of a records file, and with rows that pass for records."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sambench.records.lines import Lines
from sambench.records.record import OUTCOMES, RUN, STAGES, hyperparameters

MARKERS = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")
NOT_COUNTED = "not counted"
REPEATS = "repeats line"
NAME = re.compile(r"\w[\w.-]*")
"""Of a label and of a registry key: other words could be taken for markup, paths or code."""
TESTED = ("confirm", "setting")
"""Stages whose runs see the test set."""
BASE64 = r"[A-Za-z0-9+/]*={0,2}"


@dataclass(frozen=True, order=True)
class Damage:
    """A line of a records file that does not count, and why."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


def unchecked(lines: Lines, sums: np.ndarray) -> dict[int, str]:
    """What is wrong with the lines whose last cell is not the check of the others, by place."""
    wrong = np.flatnonzero(lines.checks() != sums).tolist()
    return {i: _unchecked(lines[i]) for i in wrong}


def copies(lines: Lines, sums: np.ndarray, first: int) -> dict[int, str]:
    """The lines that repeat another one, by place; `first` is the number of the first line."""
    ordered = np.sort(sums)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    seen: dict[bytes, int] = {}
    found = {}
    for i in np.flatnonzero(np.isin(sums, twice)).tolist():
        line = lines[i]
        if seen.setdefault(line, i) != i and not is_noise(line):
            found[i] = f"{REPEATS} {first + seen[line]}; counted once"
    return found


def is_noise(line: bytes) -> bool:
    """Whether a line is none of a study's: empty, or git's mark where two versions disagree."""
    return not line.strip() or line.startswith(MARKERS)


def is_extra(line: bytes, what: str) -> bool:
    """Whether a damaged line stands for no run of its own."""
    return is_noise(line) or what.startswith(REPEATS)


def implausible(frame: pd.DataFrame, header: Mapping[str, Any]) -> Mapping[int, str]:
    """What is wrong with rows that no study writes, whatever their check says; by index."""
    objective = header["objective"]
    untested = frame["stage"].isin(TESTED) & frame["outcome"].eq("complete")
    rules = {
        "variant must be a label: letters, digits, . _ -": _nameless(frame, "variant"),
        "key must be a name: letters, digits, . _ -": _nameless(frame, "key"),
        "hyperparameters must be a JSON table of plain values": _unreadable(frame),
        "lr must be finite": ~np.isfinite(frame["lr"]),
        "unknown stage": ~frame["stage"].isin(STAGES),
        "unknown outcome": ~frame["outcome"].isin(OUTCOMES),
        f"a complete confirm run without test {objective}": untested
        & frame[f"test_{objective}"].isna(),
    }
    for score in header["scores"]:
        name = score["name"]
        if score["unit"] == "share":
            shares = frame[[f"val_{name}", f"test_{name}"]]
            rules[f"an {name} outside 0 to 1"] = ((shares < 0) | (shares > 1)).any(axis=1)
        if score["items"]:
            packed = frame[f"items_{name}"]
            rules[f"items_{name} is no base64 text"] = ~packed.str.fullmatch(BASE64)
            size = packed.str.len()
            rules[f"items_{name} does not hold num_items values"] = (size != 0) & (
                size != -(-frame["num_items"] // 24) * 4
            )
    return {
        index: f"not a record: {what}; {NOT_COUNTED}"
        for what, broken in rules.items()
        for index in frame.index[broken.to_numpy(bool)]
    }


def _nameless(frame: pd.DataFrame, name: str) -> pd.Series:
    column = pd.Series(frame[name])
    return ~column.isin([word for word in column.unique() if NAME.fullmatch(word)])


def _unreadable(frame: pd.DataFrame) -> pd.Series:
    texts = pd.Series(frame["hyperparameters"])
    return texts.isin([text for text in texts.unique() if not _is_readable(text)])


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
