"""The process that talks to W&B for a study: `... sambench.tracking.process MODE FOLDER SECONDS`.

Orders come in as lines of JSON, answers go out as such. The end of the orders ends it: W&B's
trouble is answered, once, and never waited for without a bound.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from sambench.tracking.runs import TrackedRun
from sambench.tracking.summary import fill

DOWN_S = 1.0  # for the uploads of one run, once W&B has failed
KILLED = 255  # exit code of runs that the study left open; W&B shows them as killed

Answer = Callable[[dict[str, Any]], None]


class Service:
    """Obeys orders; a failure of W&B leads from online to offline, and from there to nothing.

    limit_s: for the start of one run, and for its uploads
    """

    def __init__(
        self, mode: Literal["online", "offline"], folder: Path, answer: Answer, limit_s: float
    ) -> None:
        self.mode: Literal["online", "offline", "off"] = mode
        self.folder = folder
        self.answer = answer
        self.limit_s = limit_s
        self.failed = False
        self.open: dict[str, TrackedRun] = {}

    def check(self) -> None:
        """Looks for a key, and asks the server whether it is good."""
        import wandb

        problem = None
        try:
            if not wandb.login(prompt=False, verify=True):
                problem = "no key"
        except Exception as error:
            self._fail(error)
        self.answer({"checked": problem or "ok"})

    def start(self, described: dict[str, Any]) -> None:
        while self.mode != "off":
            try:
                self.open[described["id"]] = self._opened(described, self.mode)
                return
            except Exception as error:
                self._fail(error)

    def _opened(self, described: dict[str, Any], mode: Literal["online", "offline"]) -> TrackedRun:
        return TrackedRun(described, mode, self.folder, self.limit_s)

    def log(self, id: str, row: dict[str, float]) -> None:
        if id in self.open:
            with self._watched():
                self.open[id].log(row)

    def finish(self, id: str, ending: dict[str, Any]) -> None:
        path = None
        if id in self.open:
            run = self.open.pop(id)
            path = run.path if run.mode == "online" else None  # uploads may end later
            with self._watched():
                self._bounded(lambda: run.finish(**ending))
                path = run.path
        self.answer({"finished": id, "path": path})

    def summarize(self, described: dict[str, Any], content: dict[str, Any]) -> None:
        self.start(described)
        if described["id"] in self.open:
            with self._watched():
                fill(self.open[described["id"]].run, **content)
        self.finish(described["id"], {"rows": []})

    def leave(self) -> None:
        """Ends the runs that are open, as killed."""
        for run in self.open.values():
            with suppress(Exception):
                self._bounded(lambda run=run: run.finish(exit_code=KILLED), DOWN_S)

    def _watched(self) -> "_Watched":
        return _Watched(self._fail)

    def _bounded(self, finish: Callable[[], None], seconds: float | None = None) -> None:
        """Runs it in a thread that may be left behind; TimeoutError if it is."""
        limit = seconds or (DOWN_S if self.failed else self.limit_s)
        errors: list[Exception] = []

        def run() -> None:
            try:
                finish()
            except Exception as error:
                errors.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(limit)
        if thread.is_alive():
            raise TimeoutError(f"uploads did not end within {limit:.0f} s")
        if errors:
            raise errors[0]

    def _fail(self, error: Exception) -> None:
        if not self.failed:
            self.answer({"warning": _told(error, self.mode, self.folder)})
        self.failed = True
        self.mode = "offline" if self.mode == "online" else "off"


class _Watched:
    """A context in which an exception is a failure of W&B, not ours."""

    def __init__(self, fail: Callable[[Exception], None]) -> None:
        self._fail = fail

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, trace: object) -> bool:
        if isinstance(error, Exception):
            self._fail(error)
            return True
        return False


def _told(error: Exception, mode: str, folder: Path) -> str:
    lines = str(error).strip().splitlines()
    reason = lines[0] if lines else type(error).__name__
    kept = f"its runs are kept in {folder / 'wandb'}, for `wandb sync`"
    return f"W&B failed: {reason}; the study goes on, " + (
        kept if mode == "online" else "without W&B"
    )


def main(mode: Literal["online", "offline"], folder: Path, limit_s: float) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the study says when it is over
    with suppress(OSError):
        os.nice(10)  # training goes first
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what W&B prints is no answer

    def answer(content: dict[str, Any]) -> None:
        with suppress(OSError):
            answers.write(json.dumps(content) + "\n")

    service = Service(mode, folder, answer, limit_s)
    if mode == "online":
        service.check()
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        getattr(service, order.pop("do"))(**order)
    service.leave()
    if service.failed:
        os._exit(0)  # W&B's own exit waits for uploads, without a bound


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))  # pyright: ignore[reportArgumentType]
