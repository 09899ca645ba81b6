"""How a study stands, and what it says of the time left: studies played through in a moment."""

import heapq
import random
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import pytest

from sambench import config
from sambench.study.expected import expected_runs
from sambench.study.protocol import Protocol
from sambench.study.standing import Standing
from sambench.training import Outcome, Run

SLOWER = {"esam": 1.6, "looksam": 0.8}  # than declared
PER_COST_S = 1.3


@pytest.fixture
def study(spec: dict[str, Any]) -> config.Study:
    """Seven arms whose runs cost 0.5 to 4 runs of the baseline."""
    spec |= {"variants": ["plain", "sam", "esam", "looksam", "gam"], "variant": []}
    spec["train"]["epochs"] = 10
    spec["search"] |= {"budget": 12, "searches": 3}
    return config.parse(spec)


class World:
    """A study of which every second is known."""

    def __init__(
        self, study: config.Study, workers: int, seed: int = 0, *, known: int | None = None
    ) -> None:
        """`known`: of its workers, as the study is told."""
        self.now = 1000.0
        self.arms = study.arms()
        self.protocol = Protocol(study, {arm.label: arm for arm in self.arms}, "cpu")
        self.expected = expected_runs(study, self.arms)
        self.standing = Standing(
            "tiny", self.arms, self.expected, known or workers, lambda: self.now
        )
        self.said: list[tuple[float, float | None]] = []
        """(time, seconds left) between events"""
        self._workers = workers
        self._random = random.Random(seed)
        self._start_s = 9.0  # of a worker

    def pool(self) -> list[Run]:
        sizes = {arm.label: self.protocol.size(arm) for arm in self.arms}
        return [
            self.protocol.pool_run(arm, i, {"lr": 0.1})
            for i in range(max(sizes.values()))
            for arm in self.arms
            if i < sizes[arm.label]
        ]

    def reruns(self, counts: Mapping[str, int]) -> list[Run]:
        """As many of every arm, of point 0."""
        points = {run.label: run for run in self.pool() if run.point == 0}
        return [
            self.protocol.confirm_run(points[label], j)
            for j in range(max(counts.values()))
            for label, num in counts.items()
            if j < num
        ]

    def settings(self) -> list[Run]:
        return self.protocol.settings({arm.label: {"lr": 0.1} for arm in self.arms})

    def seconds(self, run: Run) -> float:
        """With a tenth of luck."""
        passes = next(arm.passes for arm in self.arms if arm.label == run.label)
        luck = self._random.uniform(0.9, 1.1)
        return luck * PER_COST_S * passes * run.epochs * SLOWER.get(run.label, 1.0)

    def play(
        self,
        name: str,
        runs: list[Run],
        held: Collection[str] = (),
        diverges: Callable[[Run], bool] = lambda run: False,
    ) -> None:
        self.standing.stage(name, runs, held)
        waiting = iter(runs)
        events: list[tuple[float, int, Run, int, float]] = []
        for _ in range(self._workers):
            self._next(waiting, held, events, self._start_s)
        self._start_s = 0.0
        while events:
            at, _, run, epoch, seconds = heapq.heappop(events)
            self._look(at)
            if epoch <= run.epochs and not (diverges(run) and epoch > 1):
                row = {"epoch": epoch, "val_accuracy": 0.5}
                self.standing.epoch(run, row)
                event = (at + seconds / run.epochs, id(run), run, epoch + 1, seconds)
                heapq.heappush(events, event)
            else:
                self.standing.ended(run, self.outcome(run, seconds, diverged=diverges(run)))
                self._next(waiting, held, events, 0.0)

    def outcome(self, run: Run, seconds: float, *, diverged: bool = False) -> Outcome:
        if diverged:
            return Outcome(
                "diverged", "non-finite loss in epoch 1", wall_s=2 * seconds / run.epochs
            )
        return Outcome("complete", scores={"val_accuracy": 0.5}, wall_s=seconds)

    def _next(
        self, waiting: Iterable[Run], held: Collection[str], events: list[Any], start_s: float
    ) -> None:
        for run in waiting:
            seconds = self.seconds(run)
            if run.id in held:
                self.standing.resumed(run, self.outcome(run, seconds))
                continue
            self.standing.started(run)
            at = self.now + start_s + seconds / run.epochs
            heapq.heappush(events, (at, id(run), run, 1, seconds))
            return

    def _look(self, until: float) -> None:
        """Reads the ETA on the way to the next event: now and then, for speed."""
        if self._random.random() < 0.2 or not self.said:
            self.now = 0.5 * (self.now + until)
            self.said.append((self.now, self.standing.left_s))
        self.now = until

    def wrong(self, began: float, from_share: float = 0.05) -> float:
        """The worst factor between what was said and what was true, but for the last seconds."""
        end, longest = self.now, 4 * 10 * PER_COST_S
        late = [
            (left, end - at)
            for at, left in self.said
            if at - began >= from_share * (end - began) and end - at > longest
        ]
        assert late and all(left is not None for left, _ in late)
        return max(max(left / true, true / left) for left, true in late if left)


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_the_eta_is_right_to_a_factor_once_a_twentieth_is_done(study: config.Study, workers: int):
    world = World(study, workers)
    began = world.now
    world.play("pool", world.pool())
    world.play("confirm", world.reruns(world.expected["confirm"]))
    world.play("setting", world.settings())
    assert world.wrong(began) < 1.3
    assert world.standing.all_done and world.standing.share == 1.0


def test_workers_that_nobody_has_counted_are_counted(study: config.Study):
    """A cluster has as many as there is room for."""
    world = World(study, workers=8, known=1)
    began = world.now
    world.play("pool", world.pool())
    world.play("confirm", world.reruns(world.expected["confirm"]))
    world.play("setting", world.settings())
    assert world.wrong(began) < 1.3


def test_it_is_right_where_the_pool_says_how_many_reruns_there_are(study: config.Study):
    """A third more than were expected."""
    world = World(study, 2)
    began = world.now
    world.play("pool", world.pool())
    before = world.standing.num_runs
    world.play(
        "confirm", world.reruns({k: 4 * n // 3 for k, n in world.expected["confirm"].items()})
    )
    assert world.standing.num_runs > before
    world.play("setting", world.settings())
    assert world.wrong(began) < 1.5


def test_it_is_right_where_many_points_diverge(study: config.Study):
    world = World(study, 2)
    began = world.now
    world.play("pool", world.pool(), diverges=lambda run: run.point % 3 == 0)
    world.play("confirm", world.reruns(world.expected["confirm"]))
    world.play("setting", world.settings())
    assert world.wrong(began) < 1.5
    assert sum(arm.diverged for arm in world.standing.arms.values()) > 50


@pytest.mark.parametrize("kept", ["the first 60", "every second", "all of two arms"])
def test_what_an_earlier_process_did_costs_nothing_and_is_learned_from(
    study: config.Study, kept: str
):
    world = World(study, 2)
    pool = world.pool()
    held = {
        "the first 60": {run.id for run in pool[:60]},
        "every second": {run.id for run in pool[::2]},
        "all of two arms": {run.id for run in pool if run.label in ("sam", "plain")},
    }[kept]
    began = world.now
    world.play("pool", pool, held)
    assert world.said[0][1] is not None  # seconds are known from the first moment on
    world.play("confirm", world.reruns(world.expected["confirm"]))
    world.play("setting", world.settings())
    assert world.wrong(began, 0.0 if kept == "the first 60" else 0.05) < 1.5


def test_a_machine_that_is_slower_than_the_one_before(study: config.Study):
    """What is known of the other one is scaled."""
    world = World(study, 2)
    pool = world.pool()
    world.standing.stage("pool", pool, {run.id for run in pool[:60]})
    for run in pool[:60]:
        world.standing.resumed(run, world.outcome(run, world.seconds(run) / 3))
    world.standing.began = began = world.now
    world.play("pool", pool[60:])
    world.play("confirm", world.reruns(world.expected["confirm"]))
    world.play("setting", world.settings())
    assert world.wrong(began) < 1.5


def test_nothing_is_said_before_anything_is_known(study: config.Study):
    world = World(study, 1)
    (run, *_) = pool = world.pool()
    world.standing.stage("pool", pool, ())
    world.standing.started(run)
    assert world.standing.left_s is None
    world.now += 60  # imports, data, the first steps
    world.standing.epoch(run, {"epoch": 1, "val_accuracy": 0.1})
    assert world.standing.left_s is None
    world.now += 2
    world.standing.epoch(run, {"epoch": 2, "val_accuracy": 0.1})
    left = world.standing.left_s
    cost = {arm.label: arm.passes * arm.epochs for arm in world.arms}
    total = sum(n * cost[a] for counts in world.expected.values() for a, n in counts.items())
    expected = total / cost[run.label] * 2 * run.epochs - 4
    assert left is not None and abs(left / expected - 1) < 0.01


def test_a_run_that_goes_on_from_its_checkpoint_is_known_by_its_whole(study: config.Study):
    world = World(study, 1)
    (run, *_) = pool = world.pool()
    world.standing.stage("pool", pool, ())
    world.standing.started(run)
    world.now += 5
    world.standing.epoch(run, {"epoch": run.epochs, "val_accuracy": 0.1})
    world.standing.ended(run, Outcome("complete", scores={"val_accuracy": 0.1}, wall_s=50.0))
    world.standing.started(pool[1])
    assert world.standing._forecast._typical()[run.label] == 50.0


def test_the_best_of_an_arm_is_of_its_pool(study: config.Study):
    world = World(study, 1)
    pool = [run for run in world.pool() if run.label == "sam"]
    reruns = [world.protocol.confirm_run(pool[0], j) for j in range(2)]
    world.standing.stage("pool", pool, {pool[0].id})
    world.standing.resumed(pool[0], Outcome("complete", scores={"val_accuracy": 0.4}))
    improved = []
    for run, score in ((pool[1], 0.3), (pool[2], 0.5), (reruns[0], 0.9)):
        world.standing.started(run)
        improved.append(
            world.standing.ended(run, Outcome("complete", scores={"val_accuracy": score}))
        )
    world.standing.started(reruns[1])
    world.standing.ended(reruns[1], Outcome("failed", "out of memory"))
    sam = world.standing.arms["sam"]
    assert improved == [False, True, False]
    assert (sam.best, sam.best_run, sam.complete, sam.failed) == (0.5, pool[2], 4, 1)
    assert sam.mean == pytest.approx(0.525)


def test_a_result_that_is_repeated_after_all_is_counted_once(study: config.Study):
    """It was on the disk, but damaged, or lost to the machine."""
    world = World(study, 1)
    pool = world.pool()
    world.standing.stage("pool", pool, {pool[0].id})
    num = world.standing.num_runs
    assert (
        world.standing.left["plain"]
        == world.protocol.size(world.protocol.arms["plain"])
        - (pool[0].label == "plain")
        + world.expected["confirm"]["plain"]
        + world.expected["setting"]["plain"]
    )
    world.standing.started(pool[0])
    assert world.standing.num_runs == num
    world.standing.ended(pool[0], Outcome("complete", scores={"val_accuracy": 0.4}))
    assert (world.standing.num_runs, world.standing.num_done) == (num, 1)


def test_a_complete_run_may_have_no_validation_score(study: config.Study):
    """That of a caller's own training."""
    world = World(study, 1)
    pool = world.pool()
    world.standing.stage("pool", pool, ())
    world.standing.started(pool[0])
    assert not world.standing.ended(
        pool[0], Outcome("complete", scores={"test_accuracy": 0.9}, wall_s=1.0)
    )
    arm = world.standing.arms[pool[0].label]
    assert (arm.complete, arm.pruned, arm.mean, arm.best) == (1, 0, None, None)
