"""Who executes a study's runs, and whether they can have what its caller brings."""

import pickle
from collections.abc import Sequence

import torch
from rich.console import Console

from sambench import executors
from sambench.errors import UserError
from sambench.executors import Executor, Inline, Local
from sambench.plugins import Plugin
from sambench.training import Custom
from sambench.training import device as machine

MAIN = "__main__"
CURE = 'define it in a module, or work under if __name__ == "__main__"'


def device(on: Executor | None, name: str) -> str:
    """Where runs train: on this machine what it has, elsewhere what the executor asks for."""
    if on is None or not on.remote:
        return machine.resolve(name)
    machine.check(name)
    if name == "auto":
        return "cuda" if on.gpus_per_run else "cpu"
    return name


def executor(
    on: Executor | None,
    workers: int | None,
    device: str,
    custom: Custom,
    plugins: Sequence[Plugin],
    console: Console,
) -> Executor:
    """The executor asked for, with its number of workers; of this machine where none is named.

    What cannot be imported elsewhere is run by this process alone, and a line says so; where an
    executor was named that is another, it is a UserError.
    """
    found = on or executors.chosen("local", workers)
    if isinstance(found, Inline):
        return found
    if isinstance(found, Local):
        found = found.model_copy(update={"workers": found.workers or found.room(devices(device))})
    alone = on is None and found.workers == 1
    kept = "" if alone else _kept_here(custom, plugins)
    if kept and on is not None:
        raise UserError(f"--on: {kept} cannot be imported by others; {CURE}")
    if kept:
        line = f"1 worker: {kept} cannot be imported by others; {CURE}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return Inline() if alone or kept else found


def room(asked: Executor | None, workers: int | None, device: str) -> int:
    """Runs at a time, as far as it is known before an executor is opened."""
    found = asked or Local(workers=workers)
    if isinstance(found, Local) and found.workers is None:
        return found.room(devices(machine.resolve(device)))
    return found.workers or 1


def check_detachable(on: Executor, *, eager: bool) -> None:
    """UserError unless runs can be left in a queue.

    eager: whether none of them depends on the results of others
    """
    if not on.queues:
        raise UserError("--detach: runs of this executor end with the study; use --on slurm")
    if not eager:
        raise UserError(
            "--detach: the sampler of this study needs the results so far, and its driver to "
            "stay; leave --detach out"
        )


def devices(name: str) -> int:
    """Accelerators that a device's name leaves to share out."""
    if name == "cpu":
        return 0
    return torch.cuda.device_count() if name == "cuda" else 1


def _kept_here(custom: Custom, plugins: Sequence[Plugin]) -> str:
    """What other processes could not import; "" if nothing."""
    for plugin in plugins:
        if plugin.file is None or (plugin.module == MAIN and not executors.main_is_guarded()):
            return plugin.names[0]
    brought = {"model": custom.model, "loss": custom.loss, "training": custom.training}
    for what, own in brought.items():
        try:
            spelled = pickle.dumps(own)
        except Exception:  # whatever an object of the caller's raises
            return f"your {what}"
        if MAIN.encode() in spelled and not executors.main_is_guarded():
            return f"your {what}"
    return ""
