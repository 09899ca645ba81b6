"""A finished study is shown from its records; anything that a run would change is left to it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import pytest

from sambench import config
from sambench.records import STAGES
from sambench.study import finished
from sambench.tracking import modes

Change = Callable[[Path], object]


@pytest.fixture
def folder(ran: Callable[[], Path]) -> Path:
    return ran()


def test_its_leaderboard(folder: Path, tiny: Path):
    found = finished.shown(folder, config.read(tiny), tracked=None)
    assert found is not None and {row.label for row in found.rows} == {"plain", "sam"}


def touch(path: Path, folder: Path) -> None:
    after = (folder / "records.csv").stat().st_mtime + 1
    os.utime(path, (after, after))


CHANGES: dict[str, Change] = {
    "no records": lambda f: (f / "records.csv").unlink(),
    "damaged records": lambda f: (f / "records.csv").write_text("x"),
    "no page": lambda f: (f / "leaderboard.md").unlink(),
    "no interactive page": lambda f: (f / "index.html").unlink(),
    "a run is gone": lambda f: shutil.rmtree(next(f.glob("runs/*"))),
    "a run is newer": lambda f: touch(next(f.glob("runs/*/result.json")), f),
    "a newer journal": lambda f: touch(f / "journal.log", f),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_run_would_mend_is_not_shown(folder: Path, tiny: Path, change: str):
    CHANGES[change](folder)
    assert finished.shown(folder, config.read(tiny), tracked=None) is None


def test_another_study_and_one_that_wandb_lacks_are_not_shown(folder: Path, tiny: Path):
    for changed in ("train.epochs=3", "search.searches=2", "search.margin=2"):
        assert finished.shown(folder, config.read(tiny, [changed]), tracked=None) is None
    assert finished.shown(folder, config.read(tiny), tracked=STAGES) is None


def test_showing_imports_no_torch(folder: Path, tiny: Path):
    command: list[Any] = ["study", str(tiny), "--root", str(folder.parent), "--json"]
    script = (
        "import sys, sambench.cli\n"
        f"sys.argv[1:] = {command!r}\n"
        "try: sambench.cli.main()\n"
        "except SystemExit as end: print('torch' in sys.modules, file=sys.stderr)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    assert ran.stderr.splitlines()[-1] == "False"
    assert json.loads(ran.stdout)["study"] == "tiny"


def test_one_that_a_process_holds_is_not_shown(folder: Path, tiny: Path):
    with filelock.FileLock(folder / "lock"):
        assert finished.shown(folder, config.read(tiny), tracked=None) is None


@pytest.mark.parametrize("asked", ["all", "confirm", "none"])
def test_only_the_runs_that_wandb_should_have_are_missed(folder: Path, tiny: Path, asked: str):
    """Its ledger has a line per run, and two of the study itself."""
    stages = modes.stages(asked)
    names = [path.name for path in folder.glob("runs/*")]
    wanted = [name for name in names if name.partition("-")[0] in stages]
    ledger = folder / "wandb" / "tracked.jsonl"
    ledger.parent.mkdir()
    lines = [json.dumps({"id": name, "path": name}) for name in [*wanted, "a", "a/content"]]
    ledger.write_text("\n".join(lines[:-1]))
    assert finished.shown(folder, config.read(tiny), tracked=stages) is None
    ledger.write_text("\n".join(lines))
    assert finished.shown(folder, config.read(tiny), tracked=stages) is not None
