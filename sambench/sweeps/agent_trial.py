"""A trial that a W&B agent started: it logs into the agent's run and ends up in its study."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import optuna

from sambench.study import StudyFolder, agent_trials, cache_folder, collect
from sambench.study import point as points
from sambench.study import trial as trials
from sambench.sweeps.agent import Agent
from sambench.tracking import describe, note
from sambench.training import Outcome, Run, Stopped

if TYPE_CHECKING:
    from wandb import Run as WandbRun


def execute(run: Run, root: Path, agent: Agent) -> Outcome:
    """Trains it, or returns what it came to; SIGTERM, by which agents stop runs, prunes it. One
    that fails counts: agents would otherwise hide how often a variant does.

    UserError if the study has trials of another file or on other data, before anything is trained.
    """
    study = StudyFolder(root, run.study)
    study.check()
    agent_trials.found(study.path, run.study, study.arms)  # damage is known before training
    study.check_data(run.study.task.contents(cache_folder(root)))
    if run.label not in study.arms:
        print(f"{run.label} is no variant of {run.study.name}: not recorded there", file=sys.stderr)
    folder = agent_trials.folder(study.path, agent.sweep_id, agent.run_id)
    logged = _AgentsRun(run)
    try:
        with _stoppable():
            outcome = trials.execute(run, folder, cache_folder(root), logged.log)
    except BaseException:
        logged.finish(None)
        raise
    _collect(study, agent.sweep_id)
    logged.finish(outcome)
    return outcome


def execute_point(
    run: Run, folder: StudyFolder, cache: Path, checkpoint_every_s: float = 10.0
) -> Outcome:
    """Trains a point of the study's pool, or returns what it came to.

    Stopped, it is no result: whoever trains it next goes on from its checkpoint.
    """
    logged = _AgentsRun(run)
    try:
        outcome = points.execute(folder, run, cache, logged.log, checkpoint_every_s)
    except BaseException:
        logged.finish(None)
        raise
    if path := logged.finish(outcome):
        note(folder.path, run, path)
    return outcome


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM and Ctrl-C end the run as pruned, once; what is left to do then is not disturbed."""

    def handle(by: signal.Handlers | Callable[[int, object], object]) -> None:
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, by)

    def stop(number: int, frame: object) -> None:
        handle(signal.SIG_IGN)
        raise Stopped(f"stopped by {signal.Signals(number).name}")

    handle(stop)
    try:
        yield
    except Stopped as error:  # before training began
        raise SystemExit(f"sambench: {error} before it began") from None
    finally:
        handle(signal.SIG_IGN)


def _collect(study: StudyFolder, sweep_id: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    collect(study, f"wandb agent {sweep_id}")


class _AgentsRun:
    """The W&B run that the agent made: id, project and sweep come from the environment.

    If W&B fails, the trial goes on.
    """

    def __init__(self, run: Run) -> None:
        self._run: WandbRun | None = None
        self._last = 0  # the epoch up to which W&B has rows
        if os.environ.get("WANDB_MODE") == "disabled":
            return
        try:
            import wandb

            described = describe(run)
            self._run = wandb.init(
                group=described["group"],
                job_type=described["job_type"],
                tags=described["tags"],
                config=described["config"],
                settings=wandb.Settings(console="off", disable_git=True, disable_code=True),
            )
        except Exception as error:
            self._failed(error)

    def log(self, row: dict[str, float]) -> bool:
        """The row of the next epoch; one after a gap, left by a killed process, waits for the end.

        Never stops a run.
        """
        epoch = int(row["epoch"])
        if self._run is not None and epoch == self._last + 1:
            try:
                self._run.log(row, step=epoch)
                self._last = epoch
            except Exception as error:
                self._failed(error)
        return False

    def finish(self, outcome: Outcome | None) -> str:
        """Ends it, None if there is no outcome; the run's URL or id, "" where W&B has none."""
        for row in outcome.history if outcome else ():
            self.log(row)
        if self._run is None:
            return ""
        try:
            if outcome is not None:
                self._run.summary.update({"state": outcome.outcome, "reason": outcome.reason})
            failed = outcome is None or outcome.outcome == "failed"
            self._run.finish(exit_code=int(failed))
            return (None if self._run.offline else self._run.url) or self._run.id
        except Exception as error:
            self._failed(error)
            return ""

    def _failed(self, error: Exception) -> None:
        self._run = None
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        print(f"W&B failed: {reason}; the trial goes on without it", file=sys.stderr)
