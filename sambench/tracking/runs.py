"""One W&B run, opened by id: rows in order, once each, and an end."""

import math
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sambench.tracking.messages import Described, EpochRow, Table
from sambench.tracking.told import ToldRows

if TYPE_CHECKING:
    from wandb import Run

QUIET = {
    "silent": True,
    "console": "off",
    "disable_git": True,
    "disable_code": True,
    "disable_job_creation": True,
    "x_disable_stats": True,
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
}
"""What W&B would otherwise collect for every run, at ten times the cost."""

DELETED = "previously created and deleted"
"""What the server says of an id that was a deleted run's; it takes no such id again."""
MOST_IDS = 4  # that are tried


class TrackedRun:
    """A run that is open. Its rows are those of epochs 1, 2, ...; W&B's step is the epoch."""

    def __init__(
        self,
        described: Described,
        mode: Literal["online", "offline"],
        folder: Path,
        limit_s: float = 30.0,
    ) -> None:
        self.mode = mode
        self.folder = folder
        self.superseded = list(folder.glob(f"wandb/offline-run-*-{described['id']}"))
        self.run = _opened(described, mode, folder, limit_s)
        # The summary of a metric is its last value, which is what the protocol scores. Asked for
        # by name, summary="last" would nest it one level deeper, out of sight of W&B's panels.
        self.run.define_metric("epoch")
        self.run.define_metric("*", step_metric="epoch")
        self.last = max(0, self.run.starting_step - 1)
        """the epoch up to which W&B has rows"""
        self.told = ToldRows(folder, described["id"])
        earlier = self.told.read()
        self.told.replace(earlier)
        for row in earlier:
            self._log(row)

    def log(self, row: EpochRow) -> None:
        """Logs the row of the next epoch.

        One that W&B has already is dropped. One after a gap, left by a killed process, waits for
        `finish`, which knows all rows.
        """
        if self._log(row):
            self.told.add(row)

    def _log(self, row: EpochRow) -> bool:
        epoch = int(row["epoch"])
        if epoch != self.last + 1:
            return False
        self.run.log(_measured(row), step=epoch)
        self.last = epoch
        return True

    def finish(
        self,
        *,
        rows: Sequence[EpochRow] | None = None,
        summary: dict[str, object] | None = None,
        tables: dict[str, Table] | None = None,
        tag: str = "",
        notes: str = "",
        exit_code: int = 0,
    ) -> None:
        """Ends the run; may wait for uploads. `rows` are all of its rows; None if it is cut off."""
        for row in rows or ():
            self.log(row)
        known = {name: value for name, value in (summary or {}).items() if value is not None}
        self.run.summary.update(known)
        self._show(tables or {})
        if tag:
            self.run.tags = (*(self.run.tags or ()), tag)
        if notes:
            self.run.notes = notes
        self.run.finish(exit_code=exit_code)
        if self.mode == "offline":
            _probe(self.folder)
        if rows is not None:
            self.told.remove()
            for folder in self.superseded:  # this one holds all of theirs
                shutil.rmtree(folder, ignore_errors=True)
        elif self.mode == "offline" and self.last == 0:  # it would replace what W&B has
            shutil.rmtree(Path(self.run.dir).parent, ignore_errors=True)

    def _show(self, tables: dict[str, Table]) -> None:
        """With the last row, where that is not there already."""
        import wandb

        shown = {name: wandb.Table([*t["columns"]], [*t["data"]]) for name, t in tables.items()}
        if shown:
            self.run.log(shown, step=max(self.last, self.run.starting_step))

    def fill(
        self, *, study: str, table: Table, summary: dict[str, str], files: Sequence[str]
    ) -> None:
        """Logs the leaderboard, shows what can be shown of the files, and keeps all of them."""
        import wandb

        leaderboard = wandb.Table([*table["columns"]], [*table["data"]])
        logged: dict[str, object] = {"leaderboard": leaderboard}
        artifact = wandb.Artifact(f"{study}-records", type="records")
        for path in map(Path, files):
            artifact.add_file(str(path))
            if path.suffix == ".svg":
                logged[path.stem] = wandb.Html(path.read_text())
        self.run.log(logged)
        self.run.summary.update(summary)
        self.run.log_artifact(artifact)

    @property
    def path(self) -> str:
        """The run's URL; offline, its id."""
        return (self.run.url if self.mode == "online" else None) or self.run.id


def _opened(
    described: Described, mode: Literal["online", "offline"], folder: Path, limit_s: float
) -> "Run":
    """The run of its id, or, where that was deleted on the server, of ID-2, ID-3, ..."""
    import wandb  # half a second; only where something is tracked
    from wandb.errors import CommError

    own = described["id"]
    for id in (own, *(f"{own}-{number}" for number in range(2, MOST_IDS + 1))):
        try:
            return wandb.init(
                **{**described, "id": id},
                mode=mode,
                dir=folder,
                reinit="create_new",
                resume="allow" if mode == "online" else None,
                settings=wandb.Settings(**QUIET, init_timeout=limit_s),
            )
        except CommError as error:
            if DELETED not in str(error):
                raise
    raise RuntimeError(f"the runs {own} to {own}-{MOST_IDS} were deleted on the server")


def _measured(row: EpochRow) -> EpochRow:
    """Without what was not measured, such as the cosine of a baseline; a lost loss is NaN."""
    return {
        name: value for name, value in row.items() if name.endswith("loss") or not math.isnan(value)
    }


def _probe(folder: Path) -> None:
    """OSError if the disk is full: W&B says nothing then, and its file ends anywhere."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(4096))
