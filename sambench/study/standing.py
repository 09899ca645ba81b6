"""How a study stands while it runs: what each arm has found, what runs now, what is left."""

from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple

from sambench.config import Arm
from sambench.scores import ACCURACY, Score
from sambench.study.forecast import Forecast, InFlight
from sambench.study.spending import Spending
from sambench.training import Outcome, Run

REMEMBERED = 20  # failures


@dataclass
class Running:
    """A run that a worker has; times are the clock's."""

    run: Run
    began: float
    heard: float
    """when it last told of an epoch, or began"""
    where: str = ""
    """host and device; empty while it waits for one"""
    epoch: int = 0
    told_first: tuple[int, float] | None = None
    """the first epoch that it told of, and when; after a checkpoint not epoch 1"""
    val: float | None = None
    """the objective on the validation set"""


class Failure(NamedTuple):
    """A run that failed, why, and when by the clock."""

    run: Run
    reason: str
    at: float


class Counts(NamedTuple):
    """Runs of an arm in a stage."""

    done: int
    running: int
    left: int
    """that nobody has begun; of a stage to come as many as are expected"""


@dataclass
class ArmStanding:
    """What an arm has come to. Scores are on the validation set."""

    label: str
    best: float | None = None
    """of its pool"""
    best_run: Run | None = None
    scores: list[float] = field(default_factory=list)
    """of its complete runs"""
    seconds: list[float] = field(default_factory=list)
    """of the same"""
    complete: int = 0
    diverged: int = 0
    failed: int = 0
    pruned: int = 0
    running: int = 0

    @property
    def mean(self) -> float | None:
        return fmean(self.scores) if self.scores else None

    @property
    def run_s(self) -> float | None:
        return fmean(self.seconds) if self.seconds else None

    @property
    def done(self) -> int:
        return self.complete + self.diverged + self.failed + self.pruned


class Standing:
    """Is told what happens. It takes no test scores in: they are the report's.

    expected: stage, in order -> label -> runs
    clock: in seconds
    score: what the study goes by
    spending: by the same clock, from an earlier time on
    """

    def __init__(
        self,
        study: str,
        arms: Sequence[Arm],
        expected: Mapping[str, Mapping[str, int]],
        workers: int,
        clock: Callable[[], float],
        score: Score = ACCURACY,
        spending: Spending | None = None,
    ) -> None:
        self.study = study
        self.spending = spending or Spending(workers, clock=clock)
        self.score = score
        self.arms = {arm.label: ArmStanding(arm.label) for arm in arms}
        self.searches = any(expected["pool"].values())
        self.stages = list(expected)
        """the running one, and what may come after it"""
        self.workers: list[Running | None] = [None] * workers
        self.began = clock()
        self.failures: deque[Failure] = deque(maxlen=REMEMBERED)
        """the last ones"""
        self.closed: str | None = None
        """why nothing more happens; empty at the end of all"""
        self._clock = clock
        self._costs = {arm.label: arm.passes * arm.epochs for arm in arms}
        self._todo = {stage: Counter(counts) for stage, counts in expected.items()}
        self._done: dict[str, Counter[str]] = {stage: Counter() for stage in expected}
        self._held: dict[str, str] = {}
        """id -> label of runs that are finished already, and have not been told"""
        self._cost_done = 0.0
        self._free_since: list[float | None] = [None] * workers
        self._forecast = Forecast(self._costs, workers)

    def stage(self, name: str, runs: Sequence[Run], held: Collection[str]) -> None:
        """A stage begins; `held`: the ids of its runs that an earlier process has finished."""
        self.stages = self.stages[self.stages.index(name) :]
        self._todo = {stage: self._todo[stage] for stage in self.stages}
        self._todo[name] = Counter(run.label for run in runs)
        self._held = {run.id: run.label for run in runs if run.id in held}
        self._free_since = [None] * len(self.workers)

    def started(self, run: Run, where: str = "") -> None:
        """A worker begins a run, or goes on with it; `where` empty: it waits for a place."""
        self._take(run)
        now = self._clock()
        if None not in self.workers:  # an engine queues more than it was said to have
            self.workers.append(None)
            self._free_since.append(None)
            self._forecast.workers = len(self.workers)
        self.workers[self.workers.index(None)] = Running(run, now, now, where)
        self.arms[run.label].running += 1
        self.spending.took()

    def placed(self, run: Run, where: str) -> None:
        """A run has come to a host, or to another one."""
        own = self.workers[self._worker(run)]
        assert own is not None
        own.where = where

    def epoch(self, run: Run, row: Mapping[str, float]) -> None:
        """A run is through an epoch, `row`."""
        own = self.workers[self._worker(run)]
        assert own is not None
        own.epoch, own.heard = int(row["epoch"]), self._clock()
        own.val = row[f"val_{run.objective}"]
        if own.told_first is None:
            own.told_first = own.epoch, own.heard
        first, at = own.told_first
        if own.epoch > first:
            per_epoch = (own.heard - at) / (own.epoch - first)
            self._forecast.paced(run.label, per_epoch * run.epochs)

    def ended(self, run: Run, outcome: Outcome) -> bool:
        """A run has ended here; whether it beats what its arm's pool had."""
        worker = self._worker(run)
        own, free, now = self.workers[worker], self._free_since[worker], self._clock()
        assert own is not None
        self.workers[worker], self._free_since[worker] = None, now
        self.arms[run.label].running -= 1
        self.spending.gave(now - own.began, outcome.spent)
        seconds = outcome.wall_s
        if free is not None and (own.told_first is None or own.told_first[0] == 1):
            seconds = now - free  # with what lies between two runs, not with a worker's start
        self._learn(run, outcome, seconds, here=True)
        return self._count(run, outcome)

    def paused(self, run: Run, outcome: Outcome) -> None:
        """A run was left by its worker before its end."""
        worker = self._worker(run)
        own, now = self.workers[worker], self._clock()
        assert own is not None
        self.workers[worker], self._free_since[worker] = None, now
        self.spending.gave(now - own.began, outcome.spent)
        self.arms[run.label].running -= 1
        self._todo[run.stage][run.label] += 1

    def resumed(self, run: Run, outcome: Outcome) -> None:
        """An earlier process had finished a run."""
        self._take(run)
        self._learn(run, outcome, outcome.wall_s, here=False)
        self._count(run, outcome)

    @property
    def elapsed_s(self) -> float:
        return self.ago(self.began)

    def ago(self, at: float) -> float:
        """Seconds since a time of the clock."""
        return self._clock() - at

    def counts(self) -> dict[str, dict[str, Counts]]:
        """Stage, in order -> label -> its runs."""
        running = Counter((own.run.stage, own.run.label) for own in filter(None, self.workers))
        held = Counter(self._held.values())
        return {
            stage: {
                label: Counts(
                    done[label] + held[label] * (stage == self.stages[0]),
                    running[stage, label],
                    self._new(stage)[label] if stage in self.stages else 0,
                )
                for label in self.arms
            }
            for stage, done in self._done.items()
        }

    @property
    def later(self) -> list[str]:
        """Stages to come, whose runs are not known yet."""
        return [stage for stage in self.stages[1:] if self._todo[stage].total()]

    @property
    def left(self) -> Counter[str]:
        """Label -> runs that nobody has begun; of stages to come as many as are expected."""
        return sum(
            (self._new(stage) for stage in self.stages), Counter(dict.fromkeys(self.arms, 0))
        )

    @property
    def all_done(self) -> bool:
        return not (any(self.workers) or self.later or self.left.total())

    @property
    def num_done(self) -> int:
        return sum(arm.done for arm in self.arms.values()) + len(self._held)

    @property
    def num_runs(self) -> int:
        running = sum(arm.running for arm in self.arms.values())
        return self.num_done + running + self.left.total()

    @property
    def share(self) -> float:
        """Of the work that is done."""
        costs = self._costs
        done = self._cost_done + sum(costs[label] for label in self._held.values())
        left = float(sum(costs[label] * num for label, num in self.left.items()))
        for own in filter(None, self.workers):
            own_done = costs[own.run.label] * own.epoch / own.run.epochs
            done, left = done + own_done, left + costs[own.run.label] - own_done
        return done / (done + left) if done + left else 1.0

    @property
    def left_s(self) -> float | None:
        """Seconds to the end; None before anything is known of this machine."""
        now = self._clock()
        in_flight = [
            InFlight(own.run.label, 1 - own.epoch / own.run.epochs, now - own.heard)
            for own in self.workers
            if own is not None
        ]
        return self._forecast.left(in_flight, [(stage, self._new(stage)) for stage in self.stages])

    def _worker(self, run: Run) -> int:
        return next(i for i, own in enumerate(self.workers) if own and own.run.id == run.id)

    def _take(self, run: Run) -> None:
        self._held.pop(run.id, None)
        todo = self._todo.get(run.stage, Counter())
        todo[run.label] = max(0, todo[run.label] - 1)

    def _new(self, stage: str) -> Counter[str]:
        """Label -> runs of a stage that somebody has to train yet."""
        held = Counter(self._held.values() if stage == self.stages[0] else ())
        return self._todo[stage] - held

    def _learn(self, run: Run, outcome: Outcome, seconds: float, *, here: bool) -> None:
        self._cost_done += self._costs[run.label]
        if outcome.outcome != "failed":
            complete = outcome.outcome == "complete"
            self._forecast.ended(run.label, run.stage, seconds, complete=complete, here=here)

    def _count(self, run: Run, outcome: Outcome) -> bool:
        arm, score = self.arms[run.label], outcome.val
        self._done[run.stage][run.label] += 1
        match outcome.outcome:
            case "diverged":
                arm.diverged += 1
            case "failed":
                arm.failed += 1
                self.failures.append(Failure(run, outcome.reason, self._clock()))
            case "pruned":
                arm.pruned += 1
            case _:
                arm.complete += 1
        if outcome.outcome != "complete" or score is None:  # a caller's training may give none
            return False
        arm.scores.append(score)
        arm.seconds.append(outcome.wall_s)
        pool, best = run.stage == "pool", arm.best
        improves = pool and best is not None and self.score.is_better(score, best)
        if pool and (best is None or improves):
            arm.best, arm.best_run = score, run
        return improves
