"""One run of a local sweep: the program in a process group of its own, and what it logs."""

import math
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from reprlib import repr as short

from sambench.errors import UserError
from sambench.sweeps import run_log
from sambench.sweeps.controller import Ended, Planned
from sambench.sweeps.numbers import is_finite
from sambench.sweeps.safe_yaml import clipped
from sambench.sweeps.sweep_file import Metric

KILL_DELAY_S = 30.0  # W&B's, between SIGTERM and SIGKILL


def kill_delay_s() -> float:
    """W&B's variable for it; UserError if that is no number of seconds."""
    given = os.environ.get("WANDB_AGENT_KILL_DELAY", "")
    try:
        delay = float(given or KILL_DELAY_S)
    except ValueError:
        delay = -1.0
    if not 0 <= delay < math.inf:
        raise UserError(f"WANDB_AGENT_KILL_DELAY: must be seconds, got {short(given)}")
    return delay


class LocalRun:
    """A program that was started."""

    def __init__(
        self,
        planned: Planned,
        command: Sequence[str],
        env: Mapping[str, str],
        folder: Path,
        metric: Metric | None,
    ) -> None:
        self.planned = planned
        self.stopped = False
        self._folder = folder
        self._metric = metric
        self._log: run_log.RunLog | None = None
        self._terminated: float | None = None
        self.output = folder / "output" / f"{planned.number:04d}-{planned.run_id}.log"
        self.output.parent.mkdir(exist_ok=True)
        try:
            with self.output.open("wb") as file:
                self._process = subprocess.Popen(
                    command,
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    process_group=0,
                )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise UserError(f"command: {clipped(command[0], 100)}: {why}") from None

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, None while it runs; kills what ignores SIGTERM for too long."""
        code = self._process.poll()
        if code is None and self._terminated is not None:
            if time.monotonic() - self._terminated > kill_delay_s():
                self._signal(signal.SIGKILL)
        return code

    def terminate(self) -> None:
        """Asks it to end, once."""
        if self._terminated is None:
            self._terminated = time.monotonic()
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def read(self) -> None:
        """Takes in what the program has logged since."""
        if self._log is None:
            path = run_log.find(self._folder, self.planned.run_id)
            self._log = run_log.RunLog(path) if path else None
        if self._log is not None:
            self._log.update()

    @property
    def history(self) -> list[float]:
        """The values of the metric, negated where more is better."""
        if self._log is None or self._metric is None:
            return []
        return [self._metric.sign * value for value in self._log.history(self._metric.name)]

    @property
    def damaged(self) -> bool:
        """Whether W&B's file cannot be read to its end."""
        return self._log is not None and self._log.damaged

    @property
    def names(self) -> set[str] | None:
        """What was logged; None if the program started no run."""
        return None if self._log is None else self._log.names() | self._summary_names()

    def _summary_names(self) -> set[str]:
        return {name for name in (self._log.summary if self._log else {}) if name[0] != "_"}

    def ended(self) -> Ended:
        """How it ended; call `read` after the last `poll`."""
        code = self._process.returncode
        metric, sign = self._metric, self._metric.sign if self._metric else 1
        history = self.history
        last = self._log.summary.get(metric.name) if self._log and metric else None
        values = [*history, *([sign * last] if is_finite(last) else [])]
        return Ended(
            **vars(self.planned),
            state="stopped" if self.stopped else "finished" if code == 0 else "failed",
            exit_code=code,
            best=sign * min(values) if values else None,
            last=last if is_finite(last) else sign * history[-1] if history else None,
            history=tuple(sign * value for value in history),
        )

    def last_line(self) -> str:
        """Of its output, for messages."""
        lines = self.output.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "no output")
