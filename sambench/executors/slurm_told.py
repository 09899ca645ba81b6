"""The files in which a job of Slurm's and its driver talk."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from sambench.executors.executor import EpochRow
from sambench.files import write_atomically

ANSWER_S = 0.2  # between two looks for an answer
UNANSWERED_S = 600.0  # then a run goes on: its driver is gone, and may come back


class Told:
    """The epochs of a job, a line of JSON each, and the answer to the last one of them.

    A requeued job goes on with the same file. Both sides count its lines.
    """

    def __init__(self, folder: Path, job: str) -> None:
        self._epochs = folder / f"{job}_epochs.jsonl"
        self._answer = folder / f"{job}_answer.json"
        self.files = self._epochs, self._answer
        self._read = self._lines = 0

    def tell(self, row: EpochRow) -> int:
        """Appends a row; the number of its line, from 1."""
        with self._epochs.open("ab+") as file:
            file.seek(0)
            before = file.read()
            torn = b"\n" if before and not before.endswith(b"\n") else b""
            file.write(torn + json.dumps(row).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return before.count(b"\n") + len(torn) + 1

    def answer(self, number: int) -> bool:
        """Whether the driver says stop to this line; it is waited for, but not for ever."""
        end = time.time() + UNANSWERED_S
        while time.time() < end:
            with suppress(FileNotFoundError):
                given = json.loads(self._answer.read_text())
                if given["line"] >= number:
                    return given["stop"]
            time.sleep(ANSWER_S)
        return False

    def heard(self) -> list[EpochRow]:
        """The driver's side: rows that are new since it last asked."""
        try:
            if self._epochs.stat().st_size == self._read:
                return []
            with self._epochs.open("rb") as file:
                file.seek(self._read)
                new = file.read()
        except FileNotFoundError:
            return []
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        rows = []
        for line in whole.splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:  # torn by a kill
                continue
        self._lines += whole.count(b"\n")
        return rows

    def tell_answer(self, stop: bool) -> None:
        """To all that was heard."""
        write_atomically(self._answer, json.dumps({"line": self._lines, "stop": stop}))
