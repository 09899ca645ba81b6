"""How a study is executed, as its caller chooses."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from sambench.errors import UserError, nearest
from sambench.executors import Executor


@dataclass(frozen=True)
class Settings:
    """How a study is executed. None of it changes what a run computes, the device apart."""

    device: str = "auto"
    on: str | Path | Executor | None = None
    """the executor: a name, a file with its settings, or one; None: processes of this machine"""
    workers: int | None = None
    """runs at a time; None: the executor's, on a CPU one per core, else one per device"""
    root: Path = Path("runs")
    wandb: str | None = None
    """"online", "offline", "disabled"; None: WANDB_MODE, else offline"""
    wandb_runs: str = "all"
    """which runs W&B gets, beside the study's own: "all", "confirm" (and the settings'), "none\""""
    checkpoint_every_s: float = 10.0
    """trained between two of a run's checkpoints at least, and 50 times what the last one took; 0:
    one after every epoch"""
    storage: str | None = field(default=None, repr=False)
    """URL of a database for the trials; None: SAMBENCH_STORAGE, else the study's own journal"""
    imports: tuple[Path, ...] = ()
    """files that register variants; what Python has imported is known without"""
    points: range | None = None
    """the part of the pools to run here; None: all, and the conclusion"""
    max_hours: float | None = None
    """after so many no run begins, and those that run pause at the end of their epoch"""
    detach: bool = False
    """whether to leave once all runs are in a cluster's queue: Detached says where"""
    command: str = ""
    """how to repeat the study, for its page; default: the call from Python"""
    resume: str = ""
    """how to go on with it, with all that the page need not say; default: the command"""
    console: Console = field(default_factory=Console)
    began: float | None = None
    """by `time.monotonic`, when the command was given; None: now"""
    says_where: bool = True
    """whether the console is told where the page is; the command line does so itself, last"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))
        object.__setattr__(self, "imports", tuple(map(Path, self.imports)))
        if self.max_hours is not None and not self.max_hours > 0:
            raise UserError(f"max_hours must be > 0, got {self.max_hours}")


def changed(settings: Settings, options: Mapping[str, Any]) -> Settings:
    """With these fields; UserError for a name that is none."""
    known = {field.name for field in fields(settings)}
    for name in options:
        if name not in known:
            raise UserError(f"unknown option {name!r}, {nearest(name, known)}")
    return replace(settings, **options)


def cache_folder(root: Path) -> Path:
    """Where datasets are kept, shared by all studies."""
    return root / "data"
