"""What an interrupted or finished command left, damaged: it goes on rightly, or says why not."""

import csv
import json
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.harness import SPECIAL, Case, Result
from tests.fuzz.mutations import as_json, damaged, damaged_text, mutated
from tests.fuzz.world import BEGUN, STUDY, World, told

TIMES = ("wall_s", "step_time_s", "check", "wandb")


def make(rng: Random, world: World) -> Case:
    """A trial with a bad checkpoint, or a study with a bad file."""
    if rng.random() < 0.6:
        name = rng.choice(["checkpoint.pt"] * 4 + ["trial.json"])
        content, what = _bad(rng, world.begun / name)
        return _trial(f"{name}: {what}", world, {f"out/{name}": content})
    paths = sorted(p for p in world.runs.rglob("*") if p.is_file() and _matters(p))
    path = rng.choice(paths)
    place = path.relative_to(world.runs)
    content, what = _bad(rng, path)
    return _study(f"{place}: {what}", world, {f"runs/{place}": content})


def valid(world: World) -> Case:
    """A trial that goes on."""
    return _trial("nothing wrong", world, {})


def _matters(path: Path) -> bool:
    return path.suffix in (".json", ".log", ".csv") or path.name in ("owner", "lock")


def _bad(rng: Random, path: Path) -> tuple[Any, str]:
    if rng.random() < 0.06:
        maker = rng.choice(SPECIAL)
        return maker, f"a {maker.__name__}"
    content = path.read_bytes()
    if path.suffix == ".json" and rng.random() < 0.5:
        data, what = mutated(rng, json.loads(content))
        return as_json(data).encode(errors="replace"), what
    return (damaged if path.suffix == ".pt" else damaged_text)(rng, content)


def _trial(what: str, world: World, files: dict[str, Any]) -> Case:
    def check(result: Result) -> str:
        if result.code == 0 and (found := told(result)) != world.outcome:
            keys = [k for k in world.outcome if found.get(k) != world.outcome[k]]
            return f"it went on with other numbers: {', '.join(keys)}"
        return ""

    tiny = {"tiny.toml": world.study}
    writes = ("out/*", "runs/*")
    return Case(what, BEGUN, tiny | files, {"out": world.begun}, writes=writes, check=check)


def _study(what: str, world: World, files: dict[str, Any]) -> Case:
    """The finished study, called again: nothing is left to do but to show it."""
    before = _rows(world.runs / "tiny" / "records.csv")
    place = next(iter(files))
    results = {str(p.relative_to(world.runs.parent)) for p in world.runs.rglob("result.json")}

    def check(result: Result) -> str:
        path = result.work / "runs" / "tiny" / "records.csv"
        if result.code == 0 and _rows(path) != before:
            return "the records differ from those before"
        lost = [name for name in results - {place} if not (result.work / name).is_file()]
        return f"lost: {lost[0]}" if lost else ""

    tiny = {"tiny.toml": world.study}
    return Case(what, STUDY, tiny | files, {"runs": world.runs}, writes=("runs/*",), check=check)


def _rows(path: Path) -> list[dict[str, str]]:
    """The runs of a records file, without what a clock says."""
    with path.open() as file:
        file.readline()
        rows = [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]
    return sorted(rows, key=lambda row: list(row.values()))
