"""The process that talks to W&B for a study: `... sambench.tracking.service MODE FOLDER SECONDS`.

Orders come in as lines of JSON, answers go out as such. It ends with the orders, or, with a last
answer, as soon as W&B fails: what follows is for the study to decide.
"""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from sambench.tracking import messages
from sambench.tracking.messages import (
    Answer,
    Checked,
    Failed,
    Finish,
    Finished,
    Log,
    Opened,
    Order,
    Start,
    Summarize,
)
from sambench.tracking.runs import TrackedRun

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
        answer: Callable[[Answer], None],
    ) -> None:
        self.mode: Literal["online", "offline"] = mode
        self.folder = folder
        self.limit_s = limit_s
        self.answer = answer
        self.open: dict[str, TrackedRun] = {}

    def check(self) -> None:
        """Looks for a key, and asks the server whether it is good."""
        import wandb

        self.answer(Checked(bool(wandb.login(prompt=False, verify=True))))

    def obey(self, order: Order) -> None:
        match order:
            case Start(id, described):
                self.open[id] = TrackedRun(described, self.mode, self.folder, self.limit_s)
                self.answer(Opened(id, self.open[id].path))
            case Log(id, row):
                self.open[id].log(row)
            case Finish(id, ending):
                run = self.open.pop(id)
                _bounded(lambda: run.finish(**ending), self.limit_s)
                self.answer(Finished(id, run.path))
            case Summarize(id, described, content):
                self.obey(Start(id, described))
                self.open[id].fill(**content)
                self.obey(Finish(id, {"rows": []}))

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

    def answer(content: Answer) -> None:
        answers.write(messages.encoded(content))

    try:
        service = Service(mode, folder, limit_s, answer)
        if mode == "online":
            service.check()
        for line in sys.stdin:
            service.obey(messages.decoded_order(line))
        service.leave()
    except Exception as error:
        with suppress(OSError):
            answer(Failed(_reason(error)))
        os._exit(1)  # W&B's own exit waits for uploads, without a bound


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))  # pyright: ignore[reportArgumentType]
