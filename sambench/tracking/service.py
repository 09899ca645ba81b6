"""The process that talks to W&B for a study: `... sambench.tracking.service MODE FOLDER SECONDS`.

Orders come in as lines of JSON, answers go out as such. It ends with the orders, or, with a last
answer, as soon as W&B fails: what follows is for the study to decide.
"""

import atexit
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

KILLED_S = 3.0  # for the end of a run that the study left open
KILLED = 255  # its exit code; W&B shows such runs as killed


class Service:
    """Obeys orders. Whatever it raises is W&B's failure.

    limit_s: for the start of one run, and for its uploads
    """

    def __init__(
        self,
        mode: Literal["online", "offline"],
        folder: Path,
        limit_s: float,
        answer: Callable[[dict[str, Any]], None],
    ) -> None:
        self.mode: Literal["online", "offline"] = mode
        self.folder = folder
        self.limit_s = limit_s
        self.answer = answer
        self.open: dict[str, TrackedRun] = {}

    def check(self) -> None:
        """Looks for a key, and asks the server whether it is good."""
        import wandb

        good = wandb.login(prompt=False, verify=True)
        self.answer({"checked": "ok" if good else "no key"})

    def start(self, id: str, described: dict[str, Any]) -> None:
        self.open[id] = TrackedRun(described, self.mode, self.folder, self.limit_s)

    def log(self, id: str, row: dict[str, float]) -> None:
        self.open[id].log(row)

    def finish(self, id: str, ending: dict[str, Any]) -> None:
        run = self.open.pop(id)
        _bounded(lambda: run.finish(**ending), self.limit_s)
        self.answer({"finished": id, "path": run.path})

    def summarize(self, id: str, described: dict[str, Any], content: dict[str, Any]) -> None:
        self.start(id, described)
        fill(self.open[id].run, **content)
        self.finish(id, {"rows": []})

    def leave(self) -> None:
        """Ends the runs that are open, as killed."""
        for run in self.open.values():
            _bounded(lambda run=run: run.finish(exit_code=KILLED), KILLED_S)


def _bounded(finish: Callable[[], None], seconds: float) -> None:
    """Runs it in a thread that may be left behind; TimeoutError if it is."""
    errors: list[Exception] = []

    def run() -> None:
        try:
            finish()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"uploads did not end within {seconds:.0f} s")
    if errors:
        raise errors[0]


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _leave_no_folder(path: str) -> None:
    """Removes the folder of temporary files if nothing is in it: the study may be gone."""
    with suppress(OSError):
        os.rmdir(path)


def main(mode: Literal["online", "offline"], folder: Path, limit_s: float) -> None:
    atexit.register(_leave_no_folder, os.environ.get("TMPDIR", ""))  # runs after W&B's own
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the study says when it is over
    with suppress(OSError):
        os.nice(10)  # training goes first
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what W&B prints is no answer

    def answer(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")

    try:
        service = Service(mode, folder, limit_s, answer)
        if mode == "online":
            service.check()
        for line in sys.stdin:
            order: dict[str, Any] = json.loads(line)
            getattr(service, order.pop("do"))(**order)
        service.leave()
    except Exception as error:
        with suppress(OSError):
            answer({"failed": _reason(error)})
        os._exit(1)  # W&B's own exit waits for uploads, without a bound


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))  # pyright: ignore[reportArgumentType]
