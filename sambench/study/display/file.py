"""A file in the study's folder, for whoever looks at it from another shell: `live.json`."""

import math
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sambench.errors import hidden
from sambench.study import live
from sambench.study.standing import ArmStanding, Running, Standing
from sambench.training import Outcome, Run

EVERY_S = 2.0  # at most so often
QUIET_S = 30.0  # where nothing happens, at least so often: a reader sees that the driver lives


class LiveFile:
    """Written by a thread of its own, so that no run waits for a disk.

    folder: the study's
    lock: of the standing
    command: that goes on with the study
    points: the part of the pools that is run, as --points takes it
    """

    def __init__(
        self,
        folder: Path,
        standing: Standing,
        lock: threading.RLock,
        command: str,
        points: str | None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._folder = folder
        self._standing = standing
        self._lock = lock
        self._command, self._directory = hidden(command), os.getcwd()
        self._points = points
        self._now = clock
        self._driver = live.Drives(pid=os.getpid(), host=socket.gethostname(), since=clock())
        self._news = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="live.json", daemon=True)

    def open(self) -> None:
        self._write()
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._news.set()
        self._thread.join()
        self._write()

    def say(self, line: str) -> None:
        pass

    def changed(self) -> None:
        self._news.set()

    def ended(self, run: Run, outcome: Outcome, *, improves: bool) -> None:
        self._news.set()

    def _keep(self) -> None:
        while not self._closing.wait(EVERY_S):
            self._news.wait(QUIET_S)
            self._news.clear()
            self._write()

    def _write(self) -> None:
        """A disk that is full ends the study where it matters; here it only goes without."""
        with self._lock:
            found = self.content()
        with suppress(OSError):
            live.write(self._folder, found)

    def content(self) -> live.Live:
        """How the study stands now."""
        own, counts = self._standing, self._standing.counts()
        done = own.closed == ""
        return live.Live(
            study=own.study,
            state="running" if own.closed is None else "complete" if done else "stopped",
            reason=own.closed or "",
            updated=self._now(),
            driver=self._driver,
            command=self._command,
            directory=self._directory,
            points=self._points,
            searches=own.searches,
            score=own.score,
            stage=own.stages[0],
            later=own.later,
            runs=live.Runs(done=own.num_done, all=own.num_runs, exact=not own.later),
            share=own.share,
            elapsed_s=own.elapsed_s,
            left_s=0.0 if done else own.left_s,
            places=len(own.workers),
            spent=own.spending.parts(),
            arms=[
                _arm(arm, {s: live.Stage(**of[arm.label]._asdict()) for s, of in counts.items()})
                for arm in own.arms.values()
            ],
            workers=[self._worker(i, run) for i, run in enumerate(own.workers) if run is not None],
            failures=[
                live.Failure(
                    run=run.id, arm=run.label, stage=run.stage, reason=reason, at=self._time(at)
                )
                for run, reason, at in own.failures
            ],
        )

    def _worker(self, number: int, own: Running) -> live.Worker:
        run = own.run
        return live.Worker(
            worker=number,
            where=own.where,
            run=run.id,
            arm=run.label,
            stage=run.stage,
            point=run.point,
            rerun=run.rerun,
            lr=run.lr,
            rho=run.rho,
            epoch=own.epoch,
            epochs=run.epochs,
            since=self._time(own.began),
            heard=self._time(own.heard),
            validation=_finite(own.val),
        )

    def _time(self, at: float) -> datetime:
        """Of the standing's clock."""
        return self._now() - timedelta(seconds=self._standing.ago(at))


def _arm(arm: ArmStanding, stages: dict[str, live.Stage]) -> live.ArmState:
    best = None
    if arm.best is not None and (run := arm.best_run) is not None:
        best = live.Best(validation=arm.best, lr=run.lr, rho=run.rho, point=run.point)
    return live.ArmState(
        arm=arm.label,
        best=best,
        mean=_finite(arm.mean),
        complete=arm.complete,
        diverged=arm.diverged,
        failed=arm.failed,
        pruned=arm.pruned,
        run_s=arm.run_s,
        stages=stages,
    )


def _finite(score: float | None) -> float | None:
    """None for a score that is none: a run that diverges still tells of its epochs."""
    return score if score is not None and math.isfinite(score) else None
