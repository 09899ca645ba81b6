"""Where a study is shown."""

from typing import Protocol

from sambench.analysis import numbers
from sambench.training import Outcome, Run


class Surface(Protocol):
    def open(self) -> None: ...

    def close(self) -> None: ...

    def say(self, line: str) -> None:
        """A line of the log."""
        ...

    def changed(self) -> None:
        """How the study stands is other than before."""
        ...

    def ended(self, run: Run, outcome: Outcome, *, improves: bool) -> None:
        """A run has ended; `improves` if it beats what its arm's pool had."""
        ...


def news(run: Run, outcome: Outcome, *, improves: bool) -> str:
    """What is worth a line where the rest can be seen; else empty."""
    rho = "" if run.rho is None else f", rho {run.rho:.3g}"
    what = f"{run.label}, {run.place} (lr {run.lr:.3g}{rho})"
    if outcome.outcome in ("diverged", "failed"):
        return f"{what}: {outcome.outcome}, {outcome.reason}"
    if not improves or outcome.val is None:
        return ""
    score = numbers.told(outcome.val, run.study.task.decides)
    return f"{what}: validation {score}, its best so far"
