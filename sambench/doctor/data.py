"""The data of the studies that can be named here."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from sambench import config
from sambench.config import Task, places
from sambench.doctor import programs
from sambench.doctor.check import Asked, Finding, ok, problem
from sambench.errors import UserError

BUILT_IN = ("digits", "synthetic")
FOLDER = "folder:"
TABLES = (".csv", ".tsv", ".parquet")
WITHIN_S = 120.0  # torchvision reads a set to know that it is there
PROBE = """
import json, sys
from pathlib import Path
from sambench.config import task_of
tasks, cache = json.loads(sys.argv[1]), Path(sys.argv[2])
found = {name: task_of(task).is_there(cache) for name, task in tasks.items()}
print(json.dumps(found))
"""


def data(asked: Asked) -> Finding:
    tasks, begun = _tasks(asked.root)
    there = _there(tasks, asked.root / "data")
    if there is None:
        return problem("torchvision could not be asked", "see what torch says above")
    missing = [name for name, found in there.items() if not found]
    if gone := [name for name in missing if name in begun]:
        line = f"{', '.join(gone)}: gone, and {', '.join(begun[name] for name in gone)} needs it"
        return problem(line, f"put it back, or into {asked.root / 'data'}")
    words = {
        "built in": [name for name in there if name.lower() in BUILT_IN],
        "there": [n for n, found in there.items() if found and n.lower() not in BUILT_IN],
        "not there": [name for name in missing if _own(name)],
        f"downloaded to {asked.root / 'data'} by their first study": [
            name for name in missing if not _own(name)
        ],
    }
    return ok("; ".join(f"{what}: {', '.join(names)}" for what, names in words.items() if names))


def _tasks(root: Path) -> tuple[dict[str, Task], dict[str, str]]:
    """Dataset -> a task that uses it; dataset -> a study that has begun in the root with it."""
    tasks: dict[str, Task] = {}
    begun: dict[str, str] = {}
    for name, path in places.known(root).items():
        try:
            task = config.read(path, root=root).task
        except UserError:
            continue  # no study, or one that `study` will refuse
        tasks.setdefault(task.dataset, task)
        if (root / name / places.KEPT).is_file():
            begun.setdefault(task.dataset, name)
    return tasks, begun


def _own(dataset: str) -> Path | None:
    """Where a folder or a table of the user's own should be; None for other datasets."""
    name = dataset.lower()
    if name.startswith(FOLDER):
        return Path(os.path.expanduser(dataset[len(FOLDER) :]))
    return Path(os.path.expanduser(dataset)) if name.endswith(TABLES) else None


def _there(tasks: Mapping[str, Task], cache: Path) -> dict[str, bool] | None:
    """Dataset -> whether it is on this machine; None if torchvision cannot tell."""
    found, sets = {}, {}
    for name, task in tasks.items():
        if own := _own(name):
            found[name] = own.exists()
        elif name.lower() in BUILT_IN or not cache.is_dir():
            found[name] = name.lower() in BUILT_IN
        else:
            sets[name] = task.model_dump(mode="json")
    if not sets:
        return found
    answer = programs.python(PROBE, json.dumps(sets), str(cache), within_s=WITHIN_S)
    try:
        return found | json.loads(answer.out.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return None
