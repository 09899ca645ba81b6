"""Trials of W&B sweeps are recorded, and count in a ranking where the study admitted them."""

from collections.abc import Callable
from dataclasses import replace

from sambench.analysis.eligible import rankable
from sambench.analysis.leaderboard import analyse
from sambench.records import Record, Records

Make = Callable[..., Records]
WIN = {"plain": 0.93, "sam": 0.95}


def swept(study: Records, variant: str, num: int) -> list[Record]:
    """Trials as an agent records them: with seeds and trials of their own."""
    first = next(r for r in study.records if (r.variant, r.stage) == (variant, "search"))
    return [replace(first, trial=100 + i, lr=0.9, source="sweep") for i in range(num)]


def join(study: Records, runs: list[Record], ranked: int) -> Records:
    """As a study writes them that let so many of the trials take part."""
    swept = {"trials": {"plain": 0, "sam": len(runs)}, "ranked": ranked}
    return Records({**study.header, "swept": swept}, (*study.records, *runs))


def test_trials_that_the_study_did_not_admit_change_no_ranking(make: Make):
    study = make(WIN)
    more = join(study, swept(study, "sam", 30), ranked=0)
    assert len(rankable(more)) == len(study.frame)
    assert analyse(more).rows == analyse(study).rows
    assert analyse(more).headline == analyse(study).headline


def test_trials_that_it_admitted_count(make: Make):
    study = make(WIN)
    runs = [*swept(study, "sam", 30), *swept(study, "plain", 30)]
    more = join(study, runs, ranked=60)
    assert len(rankable(more)) == len(study.frame) + 60
