"""The process that talks to W&B, seen from the study: orders go out, answers come in."""

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sambench.tracking import messages
from sambench.tracking.messages import Answer, Order

ROOT = Path(__file__).parents[2]
LEAVE_S = 10.0  # for the process to end
OURS = {
    "WANDB_SERVICE",
    "WANDB_RUN_ID",
    "WANDB_RESUME",
    "WANDB_NAME",
    "WANDB_NOTES",
    "WANDB_RUN_GROUP",
    "WANDB_JOB_TYPE",
    "WANDB_SWEEP_ID",
    "WANDB_SWEEP_PARAM_PATH",
}
"""Of the environment; they would make all runs one."""


class Client:
    """`hear` is called with every answer, and with None at the end of the answers."""

    def __init__(
        self,
        mode: str,
        folder: Path,
        limit_s: float,
        hear: Callable[["Client", Answer | None], None],
    ) -> None:
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._hear = hear
        self._scratch = tempfile.mkdtemp(prefix="sambench-wandb-")  # W&B leaves folders behind
        module = f"{__package__}.service"
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, mode, str(folder), str(limit_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**_environment(mode, folder), "TMPDIR": self._scratch},
            start_new_session=True,  # Ctrl-C is for the study
        )
        works = (self._write, self._read)
        self._threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def put(self, order: Order | None) -> None:
        """Never waits. None ends the orders."""
        self._orders.put(order)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._clear()

    def end(self) -> None:
        """Lets the process obey what it was told and end; kills it if that takes long."""
        self.put(None)
        try:
            self.process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._clear()
        for thread in self._threads:
            thread.join(LEAVE_S)

    def _clear(self) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _write(self) -> None:
        assert self.process.stdin is not None
        with suppress(OSError):
            while (order := self._orders.get()) is not None:
                self.process.stdin.write(messages.encoded(order))
                self.process.stdin.flush()
        with suppress(OSError):
            self.process.stdin.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self._hear(self, messages.decoded_answer(line))
        self._orders.put(None)
        self._hear(self, None)
        self.process.wait()


def _environment(mode: str, folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]),
        "WANDB_MODE": mode,
        "WANDB_DATA_DIR": kept.get("WANDB_DATA_DIR") or str(folder / "wandb"),  # else at home
        "WANDB_PROJECT": kept.get("WANDB_PROJECT") or "sambench",
    }
