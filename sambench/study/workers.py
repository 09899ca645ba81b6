"""How many processes run a study, and whether they can have what its caller brings."""

import pickle
from collections.abc import Sequence

from rich.console import Console

from sambench import executors
from sambench.errors import UserError
from sambench.plugins import Plugin
from sambench.training import Custom

MAIN = "__main__"


def number(
    asked: int | None, device: str, custom: Custom, plugins: Sequence[Plugin], console: Console
) -> int:
    """The number asked for, or the default; 1, and a line that says why, where no other can do."""
    if asked is not None and asked < 1:
        raise UserError(f"--workers must be >= 1, got {asked}")
    num = executors.default_workers(device) if asked is None else asked
    if num > 1 and (kept := _kept_here(custom, plugins)):
        console.print(
            f"1 worker: {kept} cannot be imported by others; define it in a module, or work under "
            'if __name__ == "__main__"',
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return 1
    return num


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
