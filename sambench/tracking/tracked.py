"""Which runs of a study W&B has, and where: a line of JSON each, in the study's wandb/ folder."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from sambench.tracking.messages import Content


class TrackedRuns:
    """Run id -> path. What cannot be written or read is forgotten: its run is told again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, str] = {}
        with suppress(OSError, UnicodeDecodeError):
            for line in path.read_text().splitlines():
                with suppress(ValueError, KeyError, TypeError):
                    entry = json.loads(line)
                    self._known[entry["id"]] = entry["path"]

    def get(self, id: str) -> str:
        return self._known.get(id, "")

    def note(self, id: str, path: str) -> None:
        self._known[id] = path
        with suppress(OSError), self._path.open("a") as file:
            file.write(json.dumps({"id": id, "path": path}) + "\n")


def digest(content: Content) -> str:
    """Of a summary and the files it names."""
    found = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode())
    for path in content["files"]:
        found.update(Path(path).read_bytes())
    return found.hexdigest()
