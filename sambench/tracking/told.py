"""The rows that W&B was told of a run that has not ended: a file of JSON lines beside W&B's own.

W&B replaces what it has of a run by a later file of the same run, so each file has to hold them.
"""

import json
from contextlib import suppress
from pathlib import Path

from sambench.tracking.messages import EpochRow


class ToldRows:
    """Of epochs 1, 2, ... without a gap. What cannot be read is forgotten.

    folder: the study's
    """

    def __init__(self, folder: Path, id: str) -> None:
        self._path = folder / "wandb" / "told" / f"{id}.jsonl"

    def read(self) -> list[EpochRow]:
        found: list[EpochRow] = []
        with suppress(OSError, ValueError, KeyError, TypeError):  # a kill may have torn the last
            for line in self._path.read_text().splitlines():
                row = json.loads(line)
                if row["epoch"] != len(found) + 1:
                    break
                found.append(row)
        return found

    def replace(self, rows: list[EpochRow]) -> None:
        """Also mends a torn line, after which nothing could be added."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def add(self, row: EpochRow) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def remove(self) -> None:
        """Once the run has ended."""
        self._path.unlink(missing_ok=True)
        with suppress(OSError):  # others may be there
            self._path.parent.rmdir()
