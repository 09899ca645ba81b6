"""What comes of a study's runs: each kept once, and told to whoever shows, counts or tracks it."""

from collections.abc import Callable, Sequence

from sambench.errors import UserError
from sambench.study.display import Display
from sambench.study.failures import Failures
from sambench.study.folder import StudyFolder
from sambench.tracking import Measured, Tracker
from sambench.training import (
    ERROR_FILE,
    PAUSED,
    RESULT_FILE,
    Outcome,
    Run,
    checkpoint,
    finished_outcome,
)


class Ledger:
    """The outcomes of runs by their ids.

    elsewhere: whether runs execute on other machines, which are known later than they begin
    data_digest: of the data that all of them are trained on; None: a caller's own
    measured: of the weights of a run that has ended
    """

    def __init__(
        self,
        folder: StudyFolder,
        display: Display,
        tracker: Tracker,
        *,
        elsewhere: bool,
        data_digest: str | None,
        measured: Callable[[Run], Measured],
    ) -> None:
        self.folder = folder
        self.results: dict[str, tuple[Run, Outcome]] = {}
        self.cut = False
        """whether time was up for some of its runs"""
        self.failures = Failures(folder.run)
        self._display = display
        self._tracker = tracker
        self._elsewhere = elsewhere
        self._data_digest = data_digest
        self._measured = measured
        self._started: set[str] = set()

    def stage(self, name: str, runs: Sequence[Run]) -> None:
        """A stage begins."""
        there = self.folder.begun()
        held = {run.id for run in runs if run.id in there and self._has_result(run)}
        self.failures.stage(runs, held)
        self._display.stage(name, runs, held)

    def _has_result(self, run: Run) -> bool:
        """Whether an earlier process has finished it; one that failed is tried again."""
        folder = self.folder.run(run)
        return (folder / RESULT_FILE).exists() and not (folder / ERROR_FILE).exists()

    def started(self, run: Run) -> None:
        """Told once or more often."""
        if run.id not in self._started:
            self._started.add(run.id)
            self._tracker.start(run)
            self._display.started(run, "" if self._elsewhere else None)

    def placed(self, run: Run, host: str) -> None:
        """It has come to a host, or, with none, back into a queue."""
        if host:
            self.started(run)
            self._display.placed(run, f"{host} {run.device}")
        elif run.id in self._started:
            self._display.placed(run, "")

    def epoch(self, run: Run, row: dict[str, float]) -> None:
        self.folder.check_kept()
        self.started(run)
        self._display.epoch(run, row)
        self._tracker.log(run, row)

    def ended(self, run: Run, outcome: Outcome) -> bool:
        """Takes a result in; False if the run pauses and has none."""
        self.folder.check_kept()
        if outcome.outcome == PAUSED:
            self.cut = True
            if run.id in self._started:
                self._display.paused(run, outcome)
            return False
        self.started(run)
        self._keep(run, outcome)
        self._display.ended(run, outcome)
        self.failures.saw(run, outcome)
        return True

    def has(self, run: Run) -> bool:
        """Whether an earlier process finished the run; its outcome is kept then."""
        outcome = finished_outcome(run, self.folder.run(run))
        if outcome is None or outcome.outcome == "failed":  # by the machine: it is repeated
            return False
        if self._data_digest and outcome.data not in ("", self._data_digest):
            raise UserError(
                f"{self.folder.run(run)}: its run was trained on other data than this machine's "
                f"{run.study.task.dataset}; undo that, or start a new study with --fork NAME"
            )
        checkpoint.remove(self.folder.run(run))  # a kill may have come between the two files
        self.folder.check_kept()
        self._keep(run, outcome)
        self._display.resumed(run, outcome)
        self.failures.saw(run, outcome)
        return True

    def _keep(self, run: Run, outcome: Outcome) -> None:
        self.results[run.id] = (run, outcome)
        self._tracker.finish(run, outcome, self._measured(run))
