"""Which runs of a study W&B has, and where: a line of JSON each, in the study's wandb/ folder."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sambench.tracking.describe import run_id
from sambench.tracking.messages import Content, Measured

if TYPE_CHECKING:
    from sambench.training import Run


class TrackedRuns:
    """Run id -> path. What cannot be written or read is forgotten: its run is told again.

    folder: the study's
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "wandb" / "tracked.jsonl"
        self._known: dict[str, str] = {}
        self._read = 0
        """bytes; agents of W&B append while a study runs"""

    def get(self, id: str) -> str:
        """Where W&B has a run; "" if it has not."""
        if id not in self._known:
            self._catch_up()
        return self._known.get(id, "")

    def note(self, id: str, path: str) -> None:
        self._known[id] = path
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(json.dumps({"id": id, "path": path}) + "\n")

    def _catch_up(self) -> None:
        with suppress(OSError), self._path.open("rb") as file:
            file.seek(self._read)
            new = file.read()
            self._read += len(new)
            for line in new.splitlines():
                with suppress(ValueError, KeyError, TypeError):
                    entry = json.loads(line)
                    self._known[entry["id"]] = entry["path"]


def note(folder: Path, run: "Run", path: str) -> None:
    """Tells a study that W&B has one of its runs, from somebody else."""
    TrackedRuns(folder).note(run_id(run), path)


def digest(content: Content | Measured) -> str:
    """Of a summary and the files it names, or of what was measured."""
    found = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode())
    for path in content.get("files", ()):
        found.update(Path(path).read_bytes())
    return found.hexdigest()
