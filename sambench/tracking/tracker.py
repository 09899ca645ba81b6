"""A study's side of tracking: what to tell W&B, what to do when it fails, when to stop waiting."""

import sys
import threading
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sambench.errors import UserError
from sambench.tracking.addresses import Ledger, digest
from sambench.tracking.client import Link
from sambench.tracking.describe import describe, ending, run_id
from sambench.tracking.modes import Mode

if TYPE_CHECKING:
    from sambench.training import Outcome, Run

PATIENCE_S = 30.0  # beyond W&B's limit: for the login, and between two answers at the end
NO_KEY = (
    "--wandb online: W&B knows no key here; run `wandb login`, or keep the runs in files with "
    "--wandb offline"
)
SILENT = "it does not answer"


class Tracker:
    """A context manager. No call of it fails or waits, but entering (online) and `settle`.

    Online, a failure of W&B sends what it has not yet, and all that follows, into files; a
    failure there ends the tracking. Either is told once.

    folder: the study's; W&B's files go to its wandb/
    equal_compute: labels whose confirm runs have a tuned schedule length
    limit_s: what W&B has for the start of a run, and for its uploads
    """

    def __init__(
        self,
        folder: Path,
        mode: Mode,
        equal_compute: Collection[str] = (),
        limit_s: float = 30.0,
    ) -> None:
        self.mode: Mode = mode
        self._equal_compute = equal_compute
        self._limit_s = limit_s
        self._folder = folder.absolute()
        self._ledger = Ledger(self._folder / "wandb" / "tracked.jsonl")
        self._link: Link | None = None
        self._told: dict[str, list[dict[str, Any]]] = {}  # run -> orders, until it is finished
        self._awaited: set[str] = set()
        self._digests: dict[str, str] = {}  # of summaries
        self._checked = ""
        self._warned = False
        self._news = threading.Condition()  # also the lock of all of these

    def __enter__(self) -> Self:
        """UserError if online and nobody is logged in."""
        if self.mode == "online":
            with self._news:
                self._launch()
                link = self._link
                self._wait(lambda: self._checked or self._link is not link)
                if not self._checked and self._link is link:
                    self._fail(SILENT)
            if self._checked == "no key":
                self.mode = "disabled"
                self._end()
                raise UserError(NO_KEY)
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self.settle()
        self.mode = "disabled"
        self._end()

    def start(self, run: "Run") -> None:
        """Opens the W&B run of a run that begins or goes on."""
        id = run_id(run)
        if self.mode != "disabled" and id not in self._told:
            equal_compute = run.label in self._equal_compute
            self._tell("start", id, described=describe(run, equal_compute=equal_compute))

    def log(self, run: "Run", row: dict[str, float]) -> None:
        """Tells the row of an epoch."""
        if self.mode != "disabled":
            self._tell("log", run_id(run), row=row)

    def finish(self, run: "Run", outcome: "Outcome") -> None:
        """Ends a run; one that an earlier process finished is told from the start, if need be."""
        id = run_id(run)
        if self.mode != "disabled" and (id in self._told or not self._ledger.get(id)):
            self.start(run)
            self._awaited.add(id)
            self._tell("finish", id, ending=ending(outcome))

    def summarize(self, described: dict[str, Any], content: dict[str, Any]) -> None:
        """Makes or updates the run of the whole study; see `summary.fill`.

        Nothing is told that W&B has already.
        """
        id = described["id"]
        if self.mode != "disabled" and self._ledger.get(f"{id}/content") != digest(content):
            self._digests[id] = digest(content)
            self._awaited.add(id)
            self._tell("summarize", id, described=described, content=content)

    def path(self, run: "Run") -> str:
        """The URL of a finished run; offline, its id; empty where W&B has none."""
        return self._ledger.get(run_id(run))

    def settle(self) -> None:
        """Waits until W&B has every finished run, or has been silent for too long."""
        with self._news:
            while self._awaited and self.mode != "disabled":
                before = self._link, len(self._awaited)
                if not self._wait(lambda b=before: (self._link, len(self._awaited)) != b):
                    self._fail(SILENT)

    def _wait(self, predicate: Any) -> bool:
        return bool(self._news.wait_for(predicate, self._limit_s + PATIENCE_S))

    def _tell(self, do: str, id: str, **order: Any) -> None:
        with self._news:
            if self._link is None and self.mode != "disabled":
                self._launch()
            self._told.setdefault(id, []).append({"do": do, "id": id, **order})
            if self._link is not None:
                self._link.put(dict(self._told[id][-1]))

    def _launch(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._link = Link(self.mode, self._folder, self._limit_s, self._hear)
        except OSError as error:
            self._fail(str(error))

    def _hear(self, link: Link, answer: dict[str, Any] | None) -> None:
        with self._news:
            if link is not self._link or self.mode == "disabled":
                return
            if answer is None:
                self._fail("its process ended")
            elif "failed" in answer:
                self._fail(answer["failed"])
            elif "checked" in answer:
                self._checked = answer["checked"]
            else:
                self._note(answer["finished"], answer["path"])
            self._news.notify_all()

    def _note(self, id: str, path: str) -> None:
        self._told.pop(id, None)
        self._awaited.discard(id)
        self._ledger.note(id, path)
        if id in self._digests:
            self._ledger.note(f"{id}/content", self._digests[id])

    def _fail(self, reason: str) -> None:
        """From the server to files, from files to nothing. The lock is held."""
        kept = self.mode == "online"
        where = f"its runs are kept in {self._folder / 'wandb'}, for `wandb sync`"
        self._warn(f"W&B failed: {reason}; the study goes on, {where if kept else 'without W&B'}")
        if self._link is not None:
            self._link.kill()
        self._link = None
        self.mode = "offline" if kept else "disabled"
        if kept and self._told:
            self._launch()
            for order in [order for orders in self._told.values() for order in orders]:
                if self._link is not None:
                    self._link.put(dict(order))
        self._news.notify_all()

    def _end(self) -> None:
        if self._link is not None:
            self._link.end()
            self._link = None

    def _warn(self, text: str) -> None:
        """Once per study: a tracker that fails must not stop the work it tracks."""
        if not self._warned:
            print(text, file=sys.stderr)
        self._warned = True
