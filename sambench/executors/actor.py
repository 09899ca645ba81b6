"""The far end of a Ray worker: a thread executes jobs, and calls from afar ask what is new."""

import os
import pickle
import socket
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Literal

from sambench.errors import UserError, WorkFailed
from sambench.executors.away import Away, Changes
from sambench.executors.executor import EpochRow
from sambench.executors.imports import without_wandb

LOOK_EVERY_S = 1.0  # for a new checkpoint, while no epoch ends


@dataclass(frozen=True)
class End:
    """Of getting ready, or of a job."""

    how: Literal["ready", "done", "error", "failed"]
    what: Any = None
    """the host, the result, what was raised that concerns all jobs, or another's traceback"""


@dataclass(frozen=True)
class News:
    """What a worker has to tell, in the order in which it happened."""

    rows: Sequence[EpochRow]
    end: End | None
    files: Changes
    """of the job's folder; no checkpoint is among them whose epochs are not told"""


class RunWorker:
    """An actor. Its thread needs what torch keeps by thread, such as the device."""

    def __init__(self, work: bytes, threads: int, answers: bool, folder: Path | None) -> None:
        """work: a pickled `Work`; folder: the working folder, where this machine has it"""
        self._answers = answers
        self._asked: SimpleQueue[Any] = SimpleQueue()
        self._told: SimpleQueue[EpochRow | End] = SimpleQueue()
        self._away: Away[Any] | None = None
        if folder is not None and folder.is_dir():
            os.chdir(folder)
        threading.Thread(target=self._live, args=(work, threads), daemon=True).start()

    def take(self, job: bytes, held: Changes) -> News:
        """Begins with a pickled job, whose folder held these files."""
        return self.hear((job, held))

    def hear(self, *answers: object) -> News:
        """What is new, as soon as there is something; the last epoch's answer goes with the call.

        Epochs are looked for before and after files are: no checkpoint may be ahead of them.
        """
        for answer in answers:
            self._asked.put(answer)
        rows, end, files = [], None, Changes()
        while not (rows or end or files):
            rows, end = self._new(LOOK_EVERY_S)
            files = self._changes()
            if end is None:
                more, end = self._new(0)
                rows += more
                files = files if end is None else self._changes()
        if self._away is not None:
            self._away.sent()
        if end is not None and self._away is not None:
            self._away.end()
            self._away = None
        return News(rows, end, files)

    def _changes(self) -> Changes:
        return Changes() if self._away is None else self._away.changes()

    def _new(self, wait_s: float) -> tuple[list[EpochRow], End | None]:
        """All that was told, up to an end."""
        rows: list[EpochRow] = []
        with suppress(Empty):
            told = self._told.get(timeout=wait_s)
            while not isinstance(told, End):
                rows.append(told)
                told = self._told.get_nowait()
            return rows, told
        return rows, None

    def _live(self, spelled: bytes, threads: int) -> None:
        try:
            with without_wandb():
                work = _loaded(spelled)
            work.prepare(0, threads)
            self._told.put(End("ready", socket.gethostname()))
            while True:
                spelled, held = self._asked.get()
                self._away = Away(_loaded(spelled), held)
                self._told.put(End("done", work.execute(self._away.job, self._report)))
        except (UserError, WorkFailed, OSError) as error:
            self._told.put(End("error", error))
        except BaseException:
            self._told.put(End("failed", traceback.format_exc()))

    def _report(self, row: EpochRow) -> bool:
        self._told.put(row)
        return self._asked.get() if self._answers else False


def _loaded(spelled: bytes) -> Any:
    try:
        return pickle.loads(spelled)
    except ImportError as error:
        raise UserError(
            f"the Ray node {socket.gethostname()} cannot import what the study needs: {error}; "
            "install it there, or name it in runtime_env"
        ) from None
