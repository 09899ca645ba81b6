"""What a study tells of itself, and the surfaces that show it."""

import socket
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult

from sambench.analysis import duration
from sambench.config import Arm, Study
from sambench.errors import hidden, said
from sambench.executors import Detached
from sambench.render.terminal import progress
from sambench.render.terminal import spent as shares
from sambench.scores import ACCURACY
from sambench.study.display.file import LiveFile
from sambench.study.display.lines import Lines
from sambench.study.display.notebook import Notebook
from sambench.study.display.surface import Surface
from sambench.study.display.terminal import Terminal
from sambench.study.spending import Phase, Spending
from sambench.study.standing import Standing
from sambench.training import Outcome, Run


class Display:
    """A context manager. Shows no test scores, which are the report's.

    expected: stage, in order -> label -> runs
    folder: the study's, which will hold live.json; None: no file tells of it
    command: that goes on with the study
    points: the part of the pools that is run, as --points takes it
    spending: what the time went to before
    """

    def __init__(
        self,
        console: Console,
        study: Study,
        arms: Sequence[Arm],
        expected: Mapping[str, Mapping[str, int]],
        workers: int,
        folder: Path | None = None,
        command: str = "",
        points: str | None = None,
        spending: Spending | None = None,
    ) -> None:
        self._standing = Standing(
            study.name, arms, expected, workers, time.monotonic, study.task.decides, spending
        )
        self._lock = threading.RLock()  # other threads draw a terminal's block and write the file
        self._surfaces = [self._fitting(console)]
        if folder is not None:
            self._surfaces.append(LiveFile(folder, self._standing, self._lock, command, points))
        self._unfinished: list[str] = []
        self._here = socket.gethostname()

    def _fitting(self, console: Console) -> Surface:
        block = _Block(self._standing, self._lock)
        if console.is_jupyter:
            return Notebook(block, console.width)
        if console.is_interactive and console.file.isatty():  # FORCE_COLOR makes no terminal
            return Terminal(block, console)
        return Lines(self._standing, console)

    def __enter__(self) -> Self:
        for surface in self._surfaces:
            surface.open()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        with self._lock:
            self._standing.closed = self._why(error)
        for surface in self._surfaces:
            surface.close()
        done = self.counted if kind else self._standing.num_done
        self.say(f"{done} runs are done, after {duration(self._standing.elapsed_s)}")
        spending = self._standing.spending
        if told := shares.render(spending.parts(), spending.places):
            self.say(told)

    def say(self, line: str) -> None:
        for surface in self._surfaces:
            surface.say(line)

    def turn(self, phase: Phase) -> None:
        """The driver turns to something else."""
        with self._lock:
            self._standing.spending.turn(phase)

    def unfinished(self, line: str) -> None:
        """Says why something has not come to its end."""
        self._unfinished.append(line)
        self.say(line)

    def _why(self, error: BaseException | None) -> str:
        """Why the study ends; empty where all is done."""
        if isinstance(error, KeyboardInterrupt):
            return "interrupted"
        if isinstance(error, Detached):
            return "its runs were left to the queue"
        if error is not None:
            return hidden(said(error))
        missing = "" if self._standing.all_done else "runs are missing"
        return "; ".join(self._unfinished) or missing

    def stage(self, name: str, runs: Sequence[Run], held: Collection[str]) -> None:
        """A stage begins; `held`: the ids of its runs that an earlier process has finished."""
        with self._lock:
            self._standing.stage(name, runs, held)
        if runs:
            known = f", {len(held)} of them done before" if held else ""
            self.say(f"{name}: {len(runs)} runs{known}")

    def started(self, run: Run, where: str | None = None) -> None:
        """`where`: host and device; empty: it waits for them; None: those of this process."""
        with self._lock:
            self._standing.started(run, f"{self._here} {run.device}" if where is None else where)
        self._changed()

    def placed(self, run: Run, where: str) -> None:
        """A run that waited has come to a host and a device, or has moved to others."""
        with self._lock:
            self._standing.placed(run, where)
        self._changed()

    def epoch(self, run: Run, row: Mapping[str, float]) -> None:
        with self._lock:
            self._standing.epoch(run, row)
        self._changed()

    def _changed(self) -> None:
        for surface in self._surfaces:
            surface.changed()

    def ended(self, run: Run, outcome: Outcome) -> None:
        with self._lock:
            improves = self._standing.ended(run, outcome)
        for surface in self._surfaces:
            surface.ended(run, outcome, improves=improves)

    def paused(self, run: Run, outcome: Outcome) -> None:
        """A run waits at its checkpoint for another process."""
        with self._lock:
            self._standing.paused(run, outcome)
        self._changed()

    @property
    def counted(self) -> str:
        """Runs that are done, of how many: "23 of ~60"."""
        return progress.counted(self._standing).replace("/", " of ")

    @property
    def left(self) -> int:
        """Runs that are not; of stages to come as many as are expected."""
        return self._standing.num_runs - self._standing.num_done

    def resumed(self, run: Run, outcome: Outcome) -> None:
        """An earlier process had finished the run."""
        with self._lock:
            self._standing.resumed(run, outcome)


class _Block:
    """Draws how the study stands, as large as there is room."""

    def __init__(self, standing: Standing, lock: threading.RLock) -> None:
        self._standing = standing
        self._lock = lock

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with self._lock:
            yield progress.render(self._standing, options.max_width, console.height - 1)


def noisy_validation(study: Study) -> str:
    """What validation scores are where labels are wrong; empty where they are not."""
    wrong = study.task.label_noise
    if not wrong:
        return ""
    found = f"{wrong:.0%} of the validation labels are wrong, as in training"
    if study.task.decides == ACCURACY:
        found += f": a perfect model would score about {1 - wrong:.0%} on them"
    return f"{found}. The report scores on correct labels."
