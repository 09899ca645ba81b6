"""One pool of 400 points of plain, on digits, and of two rivals that differ by luck alone.

A rival shares learning rate, `split` and `labels` of each point, as arms of a study do, and has
`init` and `order` of its own.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sambench import config, seeds
from sambench.config import Arm
from sambench.records import Record
from sambench.stats import Ranking
from sambench.study import cache_folder, pool, results
from sambench.study.protocol import Protocol
from sambench.training import Outcome, Run, finished_outcome, train

POINTS = 400
LABELS = ("plain", "rival-1", "rival-2")
RERUNS = ((120, 3), (200, 2), (280, 1))
"""Ranks below, and how often their points run again; the others are hardly ever confirmed."""
STUDY = config.load("digits", ["search.searches=50", 'variants=["plain"]'])
ARM = next(arm for arm in STUDY.arms() if arm.length == 0.5)


def rival(label: str) -> Arm:
    return ARM.model_copy(update={"label": label})


def run_all(root: Path, labels: tuple[str, ...] = LABELS) -> list[Record]:
    """What is there already is read."""
    return results.rows([pair for label in labels for pair in _of(label, root)])


def _of(label: str, root: Path) -> Iterator[tuple[Run, Outcome]]:
    protocol = Protocol(STUDY, {label: rival(label)}, "cpu")
    found: dict[str, tuple[Run, Outcome]] = {}
    for i in range(POINTS):
        own = pool.parameters(STUDY, ARM, i)
        run = _as_rival(protocol.pool_run(protocol.arms[label], i, own))
        found[run.id] = (run, _ran(run, root))
    scores = {run.point: outcome.val for run, outcome in found.values()}
    runs = {run.point: run for run, _ in found.values()}
    for rank, point in enumerate(Ranking.of(scores).points):
        for j in range(next((num for below, num in RERUNS if rank < below), 0)):
            streams = seeds.derive(STUDY.seed, "confirm", point, j)
            again = replace(runs[point], stage="confirm", rerun=j, seeds=streams)
            run = _as_rival(again)
            found[run.id] = (run, _ran(run, root))
    yield from found.values()


def _as_rival(run: Run) -> Run:
    """With streams of its own where arms differ by more than what they share."""
    if run.label == LABELS[0]:
        return run
    own = seeds.derive(STUDY.seed, run.label, run.stage, run.point, run.rerun)
    return replace(run, seeds=replace(run.seeds, init=own.init, order=own.order))


def _ran(run: Run, root: Path) -> Outcome:
    folder = root / "null" / "runs" / run.id
    done = finished_outcome(run, folder)
    return done or train(run, folder, lambda row: False, cache=cache_folder(root))
