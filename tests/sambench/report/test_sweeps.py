"""Trials of W&B sweeps are recorded, and change no ranking unless all variants were swept alike."""

from collections.abc import Callable
from dataclasses import replace

from sambench.records import Record, Records
from sambench.report.analysis import analyse
from sambench.report.sweeps import rankable

Make = Callable[..., Records]
WIN = {"plain": 0.93, "sam": 0.95}


def swept(study: Records, variant: str, num: int) -> list[Record]:
    """Trials as an agent records them: with seeds and trials of their own."""
    first = next(r for r in study.records if (r.variant, r.stage) == (variant, "search"))
    return [replace(first, trial=100 + i, lr=0.9, source="sweep") for i in range(num)]


def test_a_sweep_of_one_variant_changes_no_ranking(make: Make):
    study = make(WIN)
    more = Records(study.header, (*study.records, *swept(study, "sam", 30)))
    assert len(rankable(more.frame)) == len(study.frame)
    assert analyse(more).rows == analyse(study).rows
    assert analyse(more).headline == analyse(study).headline


def test_a_sweep_with_more_trials_for_some_does_not_either(make: Make):
    study = make(WIN)
    runs = (*study.records, *swept(study, "sam", 30), *swept(study, "plain", 29))
    assert len(rankable(Records(study.header, runs).frame)) == len(study.frame)


def test_sweeps_of_all_variants_under_one_budget_count(make: Make):
    study = make(WIN)
    runs = (*study.records, *swept(study, "sam", 30), *swept(study, "plain", 30))
    assert len(rankable(Records(study.header, runs).frame)) == len(runs)
