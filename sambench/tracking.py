"""W&B runs: one per trial, finalist and confirm run, grouped by study. Never in training's way."""

import hashlib
import os
import sys
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from sambench.train import Outcome, Run

Mode = Literal["online", "offline", "disabled"]


class Tracked(Protocol):
    """A run that is being tracked."""

    def log(self, row: dict[str, float]) -> None: ...
    def finish(self, outcome: Outcome) -> None: ...


def mode(asked: str | None) -> Mode:
    """What --wandb asks, else WANDB_MODE, else offline."""
    return cast(Mode, asked or os.environ.get("WANDB_MODE") or "offline")


def start(run: Run, folder: Path, mode: Mode) -> Tracked:
    """Begins (or continues) the W&B run of `run`; its files go under `folder`/wandb."""
    if mode == "disabled" or _warned:
        return _Untracked()
    try:
        return _WandbRun(run, folder, mode)
    except Exception as error:
        _warn(error)
        return _Untracked()


def run_id(run: Run) -> str:
    """The same for the same run of the same study, so that a resumed one continues."""
    return hashlib.sha1(f"{run.study.name}/{run.id}".encode()).hexdigest()[:16]


class _Untracked:
    def log(self, row: dict[str, float]) -> None:
        pass

    def finish(self, outcome: Outcome) -> None:
        pass


class _WandbRun:
    def __init__(self, run: Run, folder: Path, mode: Mode) -> None:
        import wandb  # seconds; only where something is tracked

        folder.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(
            project="sambench",
            group=run.study.name,
            job_type=run.stage,
            name=run.id,
            id=run_id(run),
            resume="allow" if mode == "online" else None,
            reinit="create_new",
            mode=mode,
            dir=folder,
            tags=[run.label, run.study.task.model, run.study.task.dataset[:64]],
            config=_config(run),
            settings=wandb.Settings(
                silent=True,
                console="off",
                disable_git=True,
                disable_code=True,
                x_disable_stats=True,
                x_disable_meta=True,
                x_disable_machine_info=True,
                x_save_requirements=False,
            ),
        )
        self._run.define_metric("val_accuracy", summary="last")  # as the protocol scores it

    def log(self, row: dict[str, float]) -> None:
        try:
            self._run.log(row, step=int(row["epoch"]))
        except Exception as error:
            _warn(error)

    def finish(self, outcome: Outcome) -> None:
        try:
            self._run.summary.update(
                {
                    "state": outcome.outcome,
                    "reason": outcome.reason,
                    "test_accuracy": outcome.test_accuracy,
                    "test_loss": outcome.test_loss,
                    "gradient_evaluations": outcome.gradient_evaluations,
                }
            )
            self._run.finish(exit_code=1 if outcome.outcome == "failed" else 0)
        except Exception as error:
            _warn(error)


def _config(run: Run) -> dict[str, Any]:
    """Flat keys, so that W&B's parallel coordinates and importance panels work at once."""
    return {
        "study": run.study.name,
        "variant": run.label,
        "key": run.key,
        "stage": run.stage,
        "trial": run.trial,
        **run.seeds.columns(),
        "lr": run.lr,
        **run.hyperparameters,
        "epochs": run.epochs,
        "batch_size": run.study.train.batch_size,
        "base": run.study.train.base,
        "model": run.study.task.model,
        "dataset": run.study.task.dataset,
        "label_noise": run.study.task.label_noise,
    }


_warned = False


def _warn(error: Exception) -> None:
    """Once per process: a tracker that fails must not stop the work it tracks."""
    global _warned
    if not _warned:
        print(f"W&B is off for this process: {error}".splitlines()[0], file=sys.stderr)
    _warned = True
