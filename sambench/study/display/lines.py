"""For files and pipes: a plain line per run, of the same columns."""

from functools import partial

from rich.console import Console

from sambench.analysis import numbers
from sambench.render.terminal import progress
from sambench.study.standing import Standing
from sambench.training import Outcome, Run


class Lines:
    def __init__(self, standing: Standing, console: Console) -> None:
        self._standing = standing
        self._console = console
        self._label = max(map(len, standing.arms))

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def changed(self) -> None:
        pass

    def ended(self, run: Run, outcome: Outcome, *, improves: bool) -> None:
        score, best = outcome.val, self._standing.arms[run.label].best
        told = partial(numbers.told, of=self._standing.score)
        cells = [
            f"{progress.counted(self._standing):>9}",
            f"{run.stage:7}",
            f"{run.label:{self._label}}",
            f"{run.place:18}",
            f"lr {run.lr:<8.3g}",
            f"{'' if run.rho is None else f'rho {run.rho:.3g}':12}",
            f"{outcome.epochs_done:>3} of {run.epochs:>3} epochs",
            f"{outcome.outcome if score is None else f'validation {told(score):>7}':18}",
            f"{'' if best is None else f'best of its pool {told(best):>7}':25}",
            f"{outcome.wall_s:7.1f} s",
            f"{progress.remaining(self._standing):15}",
            outcome.reason,
        ]
        self.say("  ".join(cells).rstrip())
