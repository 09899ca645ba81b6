"""What a study shows while it runs: a live bar on a terminal, plain lines elsewhere."""

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from sambench.analysis import duration
from sambench.training import NO_POINT, Outcome, Run


class Display:
    """A context manager. Work is counted in any unit of cost, so that the ETA knows dear runs."""

    def __init__(self, console: Console, total_cost: float) -> None:
        self._console = console
        self._live = console.is_terminal
        self._total = total_cost
        self._done = 0.0
        self._resumed = 0.0
        self._start = time.monotonic()
        self._best: dict[str, tuple[float, Run]] = {}
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[eta]}"),
            console=console,
            disable=not self._live,
        )
        self._task = self._bar.add_task("pool", total=total_cost, eta="")

    def __enter__(self) -> "Display":
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def stage(self, name: str, num_runs: int) -> None:
        self._bar.update(self._task, description=name)
        self._console.print(f"{name}: {num_runs} runs")

    def epoch(self, run: Run, row: dict[str, float]) -> None:
        if self._live:
            accuracy = f"{row['val_accuracy']:.1%}"
            at = f"{run.label}: epoch {row['epoch']:.0f}/{run.epochs}, validation {accuracy}"
            self._bar.update(self._task, description=f"{run.stage} {at}")

    def finished(self, run: Run, outcome: Outcome, cost: float, *, resumed: bool = False) -> None:
        """Notes a run; `resumed` if an earlier process had finished it."""
        self._done += cost
        self._resumed += cost if resumed else 0.0
        self._bar.update(self._task, completed=self._done, eta=self._eta())
        if outcome.val_accuracy is not None:
            best = self._best.get(run.label)
            if best is None or outcome.val_accuracy > best[0]:
                self._best[run.label] = (outcome.val_accuracy, run)
        if not resumed:
            line = self._line(run, outcome)
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _line(self, run: Run, outcome: Outcome) -> str:
        at = "" if run.rho is None else f" rho={run.rho:.3g}"
        again = "" if run.stage == "pool" else f" rerun {run.rerun}"
        what = f"{run.stage:8} {run.label:16} {_point(run):9}{again:10}"
        setting = f"lr={run.lr:<8.3g}{at:13} {run.epochs:>3} epochs"
        return (
            f"{what} {setting}  {self._result(run, outcome)}  {outcome.wall_s:.1f} s  {self._eta()}"
        )

    def _result(self, run: Run, outcome: Outcome) -> str:
        if outcome.val_accuracy is None or outcome.outcome != "complete":
            return f"{outcome.outcome}: {outcome.reason}"
        return f"validation {outcome.val_accuracy:.2%} (best {self._best[run.label][0]:.2%})"

    def _eta(self) -> str:
        here = self._done - self._resumed
        if here <= 0 or self._done >= self._total:
            return ""
        left = (time.monotonic() - self._start) / here * (self._total - self._done)
        return f"ETA {duration(left)}"


def _point(run: Run) -> str:
    return "" if run.point == NO_POINT else f"point {run.point}"
