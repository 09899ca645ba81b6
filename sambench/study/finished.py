"""A study that needs nothing more is shown from its records, without what runs one."""

import importlib.metadata
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sambench import plugins
from sambench.config import Study, changed_keys
from sambench.errors import UserError
from sambench.study import holder

if TYPE_CHECKING:
    from sambench.analysis import Leaderboard


def shown(folder: Path, study: Study, tracked: Collection[str] | None) -> "Leaderboard | None":
    """The leaderboard; None where running the study again would do more than show it.

    folder: the study's
    tracked: stages of the runs that W&B should have, beside the study's own; None: W&B is not used
    """
    path = folder / "records.csv"
    results = list(folder.glob("runs/*/result.json"))
    swept = any(folder.glob("sweeps/*/*/result.json"))
    made = (path, folder / "leaderboard.md", folder / "index.html")
    if swept or not results or not all(file.is_file() for file in made):
        return None
    written = (*results, *folder.glob("journal.log"))
    newest = max(file.stat().st_mtime for file in written)
    if newest > path.stat().st_mtime or not _same(path, study):
        return None
    if holder.is_held(folder) is not False:
        return None
    if tracked is not None:
        wanted = [path for path in results if path.parent.name.partition("-")[0] in tracked]
        if _num_tracked(folder) < len(wanted) + SUMMARIES:
            return None

    from sambench import records  # a second, with what comes after
    from sambench.analysis import analyse

    try:
        found = records.read(path)
    except UserError:
        return None  # a run writes them anew
    gone = len(results) < found.header["num_records"]  # more may be of arms that were left out
    lost = bool(found.damages) or "failed" in set(found.frame["outcome"])
    code = found.header["code"]
    if gone or lost or not _current(found.header["versions"]) or code != plugins.code(code):
        return None
    shown = analyse(found)
    settled = "left" not in found.header and (shown.kind == "fixed" or found.header["fits"])
    return shown if settled and shown.kind != "partial" else None


SUMMARIES = 2  # lines that W&B's ledger has of a whole study: its run, and what that holds


def _same(records: Path, study: Study) -> bool:
    """Whether the records are those of this very study, at its size."""
    try:
        with records.open() as file:
            spec = json.loads(file.readline().removeprefix("# "))["spec"]
        return not changed_keys(spec, study.model_dump(mode="json"))
    except (OSError, ValueError, LookupError, AttributeError):
        return False


def _num_tracked(folder: Path) -> int:
    try:
        return len(set((folder / "wandb" / "tracked.jsonl").read_text().splitlines()))
    except (OSError, ValueError):
        return 0


def _current(versions: Mapping[str, str]) -> bool:
    """Whether this sambench wrote the page."""
    try:
        return versions.get("sambench") == importlib.metadata.version("sambench")
    except importlib.metadata.PackageNotFoundError:
        return False
