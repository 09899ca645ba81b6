"""A study's folder, runs/STUDY/: who may write to it, its Optuna journal, and its runs."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import filelock
import optuna

from sambench.config import Study, changed_keys
from sambench.errors import UserError, WorkFailed
from sambench.files import write_atomically
from sambench.render import ownership
from sambench.study.journal import OPENING, open_journal
from sambench.tasks import images
from sambench.training import Run


class Held(UserError):
    """Another process runs the study."""


class StudyFolder:
    """The files of one study.

    study.json    the study as first started
    data.json     digests of the data that it was started with
    journal.log   Optuna's journal: trials and their parameters
    runs/ID/      a run's result.json, or its checkpoint while it is not finished
    sweeps/       results of trials that W&B agents ran, by sweep and run
    wandb/        W&B's files
    records.csv
    leaderboard.md, and its tables and figures in leaderboard/
    """

    def __init__(self, root: Path, study: Study, own: Mapping[str, str] | None = None) -> None:
        """`own` identifies what a Python caller brings beside the study."""
        self.path = root / study.name
        self.study = study
        self._content = {**study.model_dump(mode="json"), **({"own": own} if own else {})}

    @property
    def records(self) -> Path:
        return self.path / "records.csv"

    @property
    def page(self) -> Path:
        return self.path / "leaderboard.md"

    def figures(self) -> list[Path]:
        """What was drawn for the study's page, if anything."""
        return sorted(self.page.with_suffix("").glob("*.svg"))

    def run(self, run: Run) -> Path:
        return self.path / "runs" / run.id

    def check(self) -> None:
        """UserError if trials exist and the study's file has changed since."""
        stored = self.path / "study.json"
        if not stored.exists():
            return
        try:
            changed = changed_keys(json.loads(stored.read_text()), self._content)
        except (ValueError, AttributeError):
            raise UserError(f"{stored} is damaged; remove it or use --fork NAME") from None
        if changed:
            raise UserError(
                f"study {self.study.name!r} has trials, and these keys have changed since: "
                f"{', '.join(changed)}; undo that, or start a new study with --fork NAME"
            )

    @property
    def data_digest(self) -> str | None:
        """Of all the data that the study began with; None if that was not kept."""
        known = self._began_with()
        return None if known is None else images.digest(known)

    def check_data(self, contents: images.Contents) -> None:
        """UserError if the study began with other data; kept if it only begins now."""
        with self.collecting():
            known = self._began_with()
            if known is None:
                write_atomically(self._data, json.dumps(dict(contents)))
            elif changed := images.difference(known, contents):
                raise UserError(
                    f"task.dataset: the data of study {self.study.name!r} have changed since it "
                    f"began: {changed}; undo that, or start a new study with --fork NAME"
                )

    @property
    def _data(self) -> Path:
        return self.path / "data.json"

    def _began_with(self) -> images.Contents | None:
        try:
            known = json.loads(self._data.read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            known = None
        if not isinstance(known, dict) or not all(isinstance(v, str) for v in known.values()):
            raise UserError(f"{self._data} is damaged; remove it or use --fork NAME")
        return known

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """For whoever takes in swept trials: one at a time, for a moment; a study waits for it."""
        self.path.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self.path / "collecting.lock"):
            yield

    @contextmanager
    def opened(self) -> Iterator[optuna.storages.BaseStorage]:
        """Optuna's storage, for one process at a time; UserError if another one holds the study."""
        with self.collecting():
            held = self._take()
        with held:
            storage = self._storage()
            try:
                yield storage
            except Exception:
                self.check_kept()  # what came of it is not worth a word
                raise
            self.check_kept()

    @contextmanager
    def opened_to_collect(self) -> Iterator[optuna.storages.BaseStorage | None]:
        """The same, None while the study is being run: it takes in swept trials at its end."""
        with self.collecting():
            try:
                held = self._take()
            except Held:
                yield None
                return
            with held:
                yield self._storage()

    def _take(self) -> filelock.AcquireReturnProxy:
        self.path.mkdir(parents=True, exist_ok=True)
        owner = self.path / "owner"
        try:
            held = filelock.FileLock(self.path / "lock").acquire(blocking=False)
        except filelock.Timeout:
            pid = owner.read_text() if owner.exists() else "unknown"
            raise Held(
                f"study {self.study.name!r} is being run already, by process {pid}; wait for it, "
                "or use --fork NAME"
            ) from None
        return held

    def check_kept(self) -> None:
        """WorkFailed if the folder was removed while the study runs."""
        if not (self.path / "study.json").exists():
            raise WorkFailed(
                f"{self.path} was removed while its study ran; the same command starts it afresh"
            )

    def _check_ours(self) -> None:
        """UserError if a folder without a study holds files of these names."""
        if (self.path / "study.json").exists():
            return
        ownership.check({self.records: ownership.RECORDS, self.page: ""})
        journal = self.path / "journal.log"
        if journal.exists() and not journal.read_bytes().startswith(OPENING):
            raise UserError(f"{journal} is not a study's; move it away, or use --fork NAME")

    def _storage(self) -> optuna.storages.BaseStorage:
        """What the holder of the lock does first."""
        self.check()
        self._check_ours()
        (self.path / "owner").write_text(str(os.getpid()))
        if not (self.path / "study.json").exists():
            write_atomically(self.path / "study.json", json.dumps(self._content, indent=1))
        return open_journal(self.path / "journal.log")
