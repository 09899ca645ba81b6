"""Runs that failed: what is told of them, and when there is no point in going on."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from sambench.analysis import numbers
from sambench.errors import WorkFailed
from sambench.training import ERROR_FILE, Outcome, Run

FIRST = 5  # runs of an arm: where all of them fail, so will the others


class Hopeless(WorkFailed):
    """Every run of an arm fails."""


class Failures:
    """Counts them. `folder`: of a run, where its traceback lies."""

    def __init__(self, folder: Callable[[Run], Path]) -> None:
        self._folder = folder
        self._due: Counter[str] = Counter()
        self._succeeded: set[str] = set()
        """labels of arms of which some run, now or before, came to an end"""
        self._failed: dict[str, list[tuple[Run, Outcome]]] = defaultdict(list)

    def stage(self, runs: Sequence[Run], held: Collection[str]) -> None:
        """A stage begins; `held`: the ids of its runs that have ended before."""
        self._due = Counter(run.label for run in runs)
        self._succeeded |= {run.label for run in runs if run.id in held}

    def saw(self, run: Run, outcome: Outcome) -> None:
        """A run is over. Hopeless where none of its arm's was good for anything."""
        if outcome.outcome != "failed":
            self._succeeded.add(run.label)
            return
        self._failed[run.label].append((run, outcome))
        num = len(self._failed[run.label])
        if run.label not in self._succeeded and num >= min(FIRST, self._due[run.label]):
            runs = "its only run" if num == 1 else f"{self._some(run.label, num)} {num} runs"
            raise Hopeless(f"{run.label}: {runs} failed, {self._last(run.label)}")

    def _some(self, label: str, num: int) -> str:
        return "its first" if num < self._due[label] else "all its"

    def told(self) -> Iterator[str]:
        """A line for each arm that has some."""
        for label, failed in self._failed.items():
            yield f"{label}: {numbers.times(len(failed), 'run')} failed, {self._last(label)}"

    def _last(self, label: str) -> str:
        run, outcome = self._failed[label][-1]
        which = "the last " if len(self._failed[label]) > 1 else ""
        where = self._folder(run) / ERROR_FILE
        return f"{which}with {outcome.reason} ({where}); the same command tries again"
