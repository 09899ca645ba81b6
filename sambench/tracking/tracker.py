"""A study's side of tracking: what to tell W&B, what to do when it fails, when to stop waiting."""

import sys
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sambench.errors import UserError
from sambench.tracking.client import Client
from sambench.tracking.describe import NOTHING, describe, ending, history, run_id
from sambench.tracking.messages import (
    Answer,
    Checked,
    Content,
    Described,
    EpochRow,
    Failed,
    Finish,
    Finished,
    Log,
    Measured,
    Opened,
    Order,
    Start,
    Summarize,
)
from sambench.tracking.modes import STAGES, Mode
from sambench.tracking.tracked import TrackedRuns, digest

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
    stages: of the runs that W&B gets, beside the study's own
    limit_s: what W&B has for the start of a run, and for its uploads
    """

    def __init__(
        self,
        folder: Path,
        mode: Mode,
        stages: Collection[str] = STAGES["all"],
        limit_s: float = 30.0,
    ) -> None:
        self.mode: Mode = mode
        self._limit_s = limit_s
        self._folder = folder.absolute()
        self._stages = stages
        self._tracked = TrackedRuns(self._folder)
        self._client: Client | None = None
        self._told: dict[str, list[Order]] = {}  # run -> orders, until it is finished
        self._opened: dict[str, str] = {}  # run -> where W&B shows it, until it is finished
        self._awaited: set[str] = set()
        self._digests: dict[str, str] = {}  # of summaries and measures
        self._key_is_good: bool | None = None  # nothing heard so far
        self._warned = False
        self._news = threading.Condition()  # also the lock of all of these

    def __enter__(self) -> Self:
        """UserError if online and nobody is logged in."""
        if self.mode == "online":
            with self._news:
                self._launch()
                client = self._client
                self._wait(lambda: self._key_is_good is not None or self._client is not client)
                if self._key_is_good is None and self._client is client:
                    self._fail(SILENT)
            if self._key_is_good is False:
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
        if self._takes(run) and id not in self._told:
            self._tell(Start(id, describe(run)))

    def log(self, run: "Run", row: EpochRow) -> None:
        """Tells the row of an epoch."""
        if self._takes(run):
            self._tell(Log(run_id(run), history(row)))

    def finish(self, run: "Run", outcome: "Outcome", measured: Measured = NOTHING) -> None:
        """Ends a run; one that an earlier process finished is told from the start, if need be: if
        W&B has it not, or other measures of it."""
        id, other = run_id(run), False
        if measured["summary"]:
            other = self._tracked.get(f"{id}/content") != digest(measured)
        if self._takes(run) and (id in self._told or not self._tracked.get(id) or other):
            self.start(run)
            self._awaited.add(id)
            if other:
                self._digests[id] = digest(measured)
            self._tell(Finish(id, ending(outcome, measured)))

    def _takes(self, run: "Run") -> bool:
        return self.mode != "disabled" and run.stage in self._stages

    def summarize(self, described: Described, content: Content) -> None:
        """Makes or updates the run of the whole study.

        Nothing is told that W&B has already.
        """
        id = described["id"]
        if self.mode != "disabled" and self._tracked.get(f"{id}/content") != digest(content):
            self._digests[id] = digest(content)
            self._awaited.add(id)
            self._tell(Summarize(id, described, content))

    def path(self, run: "Run") -> str:
        """The URL of a finished run; offline, its id; empty where W&B has none."""
        return self._tracked.get(run_id(run))

    def address(self, run: "Run") -> str:
        """The same, of a run that is told to W&B and need not have ended."""
        if not self._takes(run):
            return ""
        id = run_id(run)
        return self._opened.get(id) or self.path(run) or (id if self.mode == "offline" else "")

    def settle(self) -> None:
        """Waits until W&B has every finished run, or has been silent for too long."""
        with self._news:
            while self._awaited and self.mode != "disabled":
                before = self._client, len(self._awaited)
                if not self._wait(lambda b=before: (self._client, len(self._awaited)) != b):
                    self._fail(SILENT)

    def _wait(self, predicate: Callable[[], object]) -> bool:
        return bool(self._news.wait_for(predicate, self._limit_s + PATIENCE_S))

    def _tell(self, order: Order) -> None:
        with self._news:
            if self._client is None and self.mode != "disabled":
                self._launch()
            self._told.setdefault(order.id, []).append(order)
            if self._client is not None:
                self._client.put(order)

    def _launch(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._client = Client(self.mode, self._folder, self._limit_s, self._hear)
        except OSError as error:
            self._fail(str(error))

    def _hear(self, client: Client, answer: Answer | None) -> None:
        with self._news:
            if client is not self._client or self.mode == "disabled":
                return
            match answer:
                case None:
                    self._fail("its process ended")
                case Failed(reason):
                    self._fail(reason)
                case Checked(good):
                    self._key_is_good = good
                case Opened(id, path):
                    self._opened[id] = path
                case Finished(id, path):
                    self._note(id, path)
            self._news.notify_all()

    def _note(self, id: str, path: str) -> None:
        self._told.pop(id, None)
        self._opened.pop(id, None)
        self._awaited.discard(id)
        self._tracked.note(id, path)
        if id in self._digests:
            self._tracked.note(f"{id}/content", self._digests[id])

    def _fail(self, reason: str) -> None:
        """From the server to files, from files to nothing. The lock is held."""
        kept = self.mode == "online"
        where = f"its runs are kept in {self._folder / 'wandb'}, for `wandb sync`"
        self._warn(f"W&B failed: {reason}; the study goes on, {where if kept else 'without W&B'}")
        if self._client is not None:
            self._client.kill()
        self._client = None
        self.mode = "offline" if kept else "disabled"
        if kept and self._told:
            self._launch()
            for order in [order for orders in self._told.values() for order in orders]:
                if self._client is not None:
                    self._client.put(order)
        self._news.notify_all()

    def _end(self) -> None:
        if self._client is not None:
            self._client.end()
            self._client = None

    def _warn(self, text: str) -> None:
        """Once per study: a tracker that fails must not stop the work it tracks."""
        if not self._warned:
            print(text, file=sys.stderr)
        self._warned = True
