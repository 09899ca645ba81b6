"""What one job of Slurm's does on its node."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import cloudpickle
import submitit
from submitit.core.utils import DelayedSubmission

from sambench.errors import UserError, WorkFailed
from sambench.executors.executor import EpochRow, Work
from sambench.executors.slurm_told import Told

SIGNALS = (signal.SIGUSR1, signal.SIGUSR2)
"""Before a time limit or a preemption; submitit asks Slurm for the latter, as NCCL uses USR1."""


class Ending(NamedTuple):
    """How a job ended, its pickle's content."""

    kind: str
    """"done", "error" or "failed", as what a local worker sends; "late": its time was too short;
    "left": it could not be requeued"""
    content: Any


class _Leaves(BaseException):
    """Ends a job from a signal's handler; no run may take it for its own failure."""


class _Requeued(BaseException):
    """Ends a job that goes on in the queue; submitit's SystemExit could be a run's own."""


@dataclass
class Task:
    """A job as submitit pickles it: called on a node, and asked for a `checkpoint` in time."""

    work: bytes
    job: bytes
    """pickled by itself: what it refers to may be registered by the work's `prepare`"""
    threads: int
    limit_s: float
    """of a job's time"""
    cwd: str = field(default_factory=os.getcwd)
    path: tuple[str, ...] = field(default_factory=lambda: tuple(map(os.path.abspath, sys.path)))
    """of the driver's imports"""
    began: float = 0.0
    told: int = 0
    """epochs since"""

    def __call__(self) -> Ending:
        self.began = time.time()
        self._hear_signals()
        os.chdir(self.cwd)
        sys.path += [entry for entry in self.path if entry not in sys.path]
        paths = submitit.JobEnvironment().paths
        try:
            work: Work[Any, Any] = cloudpickle.loads(self.work)
            work.prepare(0, self.threads)
            told = Told(paths.folder, str(paths.job_id))
            result = work.execute(cloudpickle.loads(self.job), self._report(told, work.answers))
            return Ending("done", result)
        except (UserError, WorkFailed, OSError) as error:
            return Ending("error", error)
        except Exception:
            return Ending("failed", traceback.format_exc())
        except _Leaves as reason:
            return Ending(*reason.args)
        except _Requeued as end:
            sys.exit(*end.args)

    def _report(self, told: Told, answers: bool) -> Callable[[EpochRow], bool]:
        def report(row: EpochRow) -> bool:
            number = told.tell(row)
            self.told += 1
            return told.answer(number) if answers else False

        return report

    def _hear_signals(self) -> None:
        """Either signal checkpoints and requeues, by submitit's own handler of its own one."""
        submitits = next(h for h in map(signal.getsignal, SIGNALS) if callable(h))

        def leave(number: int, frame: Any) -> None:
            try:
                submitits(number, frame)
            except SystemExit as end:
                raise _Requeued(end.code) from None
            except Exception as error:
                raise _Leaves("left", f"it could not be requeued: {error}") from None

        for each in SIGNALS:
            signal.signal(each, leave)

    def checkpoint(self) -> DelayedSubmission:
        """How submitit asks what to requeue; the run itself goes on from its last checkpoint."""
        if not self.told and time.time() - self.began > self.limit_s / 2:
            minutes = f"{self.limit_s / 60:.0f} minutes"
            raise _Leaves("late", f"none of its epochs ended within {minutes}; give it more `time`")
        return DelayedSubmission(replace(self, told=0))
