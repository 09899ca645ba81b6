"""The answer, on made-up studies whose truth is known."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sambench import records, stats
from sambench.analysis import published
from sambench.analysis.leaderboard import Leaderboard, analyse
from sambench.analysis.rows import Row
from sambench.analysis.verdict import judge
from sambench.records import Record, Records
from sambench.render.markdown import page

Make = Callable[..., Records]
WIN = {"plain": 0.9325, "sam": 0.948, "asam": 0.951, "esam": 0.940}


def page_of(study: Records) -> str:
    return page.render(published.study(Path("digits.csv"), study))


def row(leaderboard: Leaderboard, label: str) -> Row:
    return next(row for row in leaderboard.rows if row.label == label)


def confirm(study: Records, variant: str) -> list[Record]:
    return [r for r in study.records if (r.variant, r.stage) == (variant, "confirm")]


def changed(study: Records, change: Callable[[Record], Record]) -> Records:
    return Records(study.header, tuple(change(record) for record in study.records))


def diverging(study: Records, variant: str, seeds: int) -> Records:
    """The first confirm runs of one variant diverged."""
    hit = confirm(study, variant)[:seeds]
    gone = {
        "outcome": "diverged",
        "reason": "loss is nan",
        "test_accuracy": None,
        "test_correct": "",
    }
    return changed(study, lambda record: replace(record, **gone) if record in hit else record)


def test_a_clear_win(make: Make):
    study = make(WIN)
    found = analyse(study)
    accuracies = {v: [r.test_accuracy or 0 for r in confirm(study, v)] for v in WIN}
    assert [r.label for r in found.rows] == ["asam", "sam", "esam", "plain"]
    assert found.use == "asam" and found.warnings == ()
    gain = 100 * (np.mean(accuracies["asam"]) - np.mean(accuracies["plain"]))
    assert found.headline.startswith(f"asam beats tuned plain by {gain:.2f} points (")
    assert found.headline.endswith("at 2.00x its gradient evaluations; sam and esam also beat it.")
    assert "10 paired seeds, Holm p <0.001" in found.headline
    assert found.advice == (
        "asam with lr 0.0316, rho 0.05, 10 epochs. A run costs 240 gradient evaluations "
        "(2.00x tuned plain), 2.00x its time per step."
    )
    assert found.counts["confirm"] == {"complete": 40, "pruned": 0, "diverged": 0, "failed": 0}
    assert found.counts["search"]["complete"] == 32


def test_a_win_over_a_tuned_baseline_alone_says_what_it_does_not_beat(make: Make):
    again = make({"plain-equal-epochs": 0.9505}).records
    ours = tuple(replace(record, key="plain") for record in again)
    headline = analyse(make(WIN, extra=ours)).headline
    assert headline.startswith("asam beats tuned plain by ")
    assert re.search(
        r"But it does not beat plain at equal epochs \(95\.\d\d%\): difference [+-]0\.\d\d, Holm p",
        headline,
    )
    weak = tuple(replace(r, key="plain") for r in make({"plain-equal-epochs": 0.93}).records)
    assert "equal epochs" not in analyse(make(WIN, extra=weak)).headline


def test_a_cheaper_equal_is_named(make: Make):
    found = analyse(make({"plain": 0.93, "sam": 0.9505, "esam": 0.950}))
    assert found.use == "sam" and row(found, "esam").group == row(found, "sam").group
    assert found.advice.endswith("Cheaper, and not separated from it: esam (1.57x).")


def test_a_variant_cheaper_than_a_long_baseline_is_named_unless_worse(make: Make):
    found = analyse(
        make({"plain": 0.94, "sam": 0.94, "esam": 0.94}, plain={"gradient_evaluations": 240.0})
    )
    assert found.advice.endswith("Cheaper, and not separated from it: esam (0.79x).")
    esam = row(found, "esam")
    assert esam.against and esam.group == row(found, "plain").group
    lost = replace(
        esam.against, holm_p=0.01, difference=replace(esam.against.difference, mean=-0.1)
    )
    worse = [replace(r, against=lost) if r is esam else r for r in found.rows]
    assert judge(worse).advice.endswith("A run costs 240 gradient evaluations.")


def test_a_diverging_variant_is_no_cheaper_equal(make: Make):
    costly = make({"plain": 0.94, "esam": 0.94}, plain={"gradient_evaluations": 240.0})
    assert "Cheaper" in analyse(costly).advice
    assert "Cheaper" not in analyse(diverging(costly, "esam", 1)).advice


def test_what_the_seeds_and_the_images_could_tell(make: Make):
    study = make(WIN)
    found = row(analyse(study), "esam").against
    assert found and found.difference.sd
    assert found.detectable == stats.minimum_detectable_difference(
        found.difference.sd, 10, alpha=0.05 / 3
    )
    a, b = (
        np.array([records.unpack(r.test_correct, 600) for r in confirm(study, v)])
        for v in ("esam", "plain")
    )
    assert found.test_set_error == stats.image_standard_error(a, b)


def test_the_baseline_among_several_plain_arms(make: Make):
    study = make({"plain": 0.93, "a-plain": 0.92})
    found = analyse(changed(study, lambda record: replace(record, key="plain")))
    assert [r.label for r in found.rows if r.is_baseline] == ["plain"]


def test_a_tie_is_called_a_tie(make: Make):
    found = analyse(make({"plain": 0.94, "sam": 0.94, "asam": 0.94}))
    assert found.headline.startswith("Tie: no variant is separated from tuned plain (")
    assert found.use == "plain" and {r.group for r in found.rows} == {"a"}
    assert found.advice.endswith("A run costs 120 gradient evaluations.")


def test_identical_runs_tie_without_nan(make: Make):
    study = make({"plain": 0.94})
    twins = [replace(r, variant="sam", key="sam") for r in study.records]
    header = {**study.header, "spaces": {}}
    both = Records(header, (*study.records, *twins))
    found = analyse(both)
    assert found.headline.startswith("Tie:") and "nan" not in page_of(both).lower()
    comparison = row(found, "sam").against
    assert comparison and (comparison.holm_p, comparison.detectable) == (1, 0)


def test_a_loss_is_called_a_loss(make: Make):
    found = analyse(make({"plain": 0.94, "sam": 0.92, "esam": 0.91}))
    assert re.fullmatch(
        r"No variant beats tuned plain \(.*\); sam and esam are worse\.", found.headline
    )
    assert found.use == "plain"


def test_below_five_seeds_nothing_is_ranked(make: Make):
    study = make(WIN, seeds=4)
    found = analyse(study)
    assert found.headline == "Preliminary: fewer than 5 paired seeds, so nothing is ranked."
    assert found.use is None and [r.label for r in found.rows] == ["plain", "asam", "esam", "sam"]
    assert all(not r.group and not (r.against and r.against.holm_p) for r in found.rows)
    assert "**Use this:** nothing yet." in page_of(study)
    assert analyse(make(WIN, seeds=5)).use in ("sam", "asam")


def test_one_seed_has_no_interval(make: Make):
    text = page_of(make(WIN, seeds=1))
    table = [line for line in text.splitlines() if line.startswith("| -     |")]
    assert len(table) == 2 * 4 and not any("±" in line or "[" in line for line in table)
    assert "nan" not in text.lower()


@pytest.mark.parametrize(
    ("lr", "told"), [(0.9, True), (0.0015, True), (0.45, False), (0.0025, False)]
)
def test_an_untuned_baseline_gets_no_headline(make: Make, lr: float, told: bool):
    """On the log scale 0.001 to 1 the outer tenths end at 0.002 and 0.5."""
    found = analyse(make(WIN, plain={"lr": lr}))
    assert found.headline.startswith("No headline: plain's best lr, ") == told
    assert (found.use is None) == told and found.warnings == ()
    assert row(found, "asam").group == "a"


def test_other_variants_at_a_bound_are_warned_about(make: Make):
    found = analyse(make(WIN, asam={"rho": 0.45}))
    assert found.use == "asam"
    assert found.warnings == (
        "asam's best rho, 0.45, lies within 10% of a bound of its search range (0.01 to 0.5); "
        "a better one may lie outside.",
    )


def test_a_variant_that_diverges_cannot_win(make: Make):
    study = diverging(make({"plain": 0.93, "asam": 0.95, "sam": 0.92}), "asam", 2)
    found = analyse(study)
    asam = row(found, "asam")
    assert found.use == "plain" and asam.accuracy and asam.accuracy.n == 8
    assert found.headline.startswith("No variant beats tuned plain (")
    assert found.headline.endswith(
        " without diverging in a confirm run, as asam did; sam is worse."
    )
    assert "asam diverged in 2 of 10 confirm runs" in found.warnings[0]
    assert "18/0/2" in page_of(study)


def test_pairs_are_by_seed(make: Make):
    study = diverging(make({"plain": 0.93, "sam": 0.95}), "plain", 3)
    plain, sam = confirm(study, "plain")[3:], confirm(study, "sam")[3:]
    gain = np.mean([r.test_accuracy or 0 for r in sam]) - np.mean(
        [r.test_accuracy or 0 for r in plain]
    )
    comparison = row(analyse(study), "sam").against
    assert comparison and comparison.difference.n == 7
    assert comparison.difference.mean == pytest.approx(gain)


def test_a_row_with_too_few_pairs_is_not_ranked(make: Make):
    found = analyse(diverging(make(WIN), "asam", 6))
    assert found.rows[-1].label == "asam" and found.rows[-1].group == "" and found.use == "sam"
    assert "asam is not ranked: fewer than 5 of its seeds are paired." in found.warnings


def test_a_variant_that_never_ran_to_the_end(make: Make):
    study = diverging(make(WIN), "asam", 10)
    found = analyse(study)
    assert row(found, "asam").accuracy is None and row(found, "asam").cost is None
    assert "| -     | asam    | -" in page_of(study)


def test_no_baseline_no_headline(make: Make):
    for study in (make({"sam": 0.95}), make({}), diverging(make(WIN), "plain", 10)):
        found = analyse(study)
        assert found.headline == "No headline: the baseline, plain, has no complete confirm run."
        assert found.use is None and page_of(study)


def test_the_baseline_alone(make: Make):
    found = analyse(make({"plain": 0.93}))
    assert found.headline.startswith("Only tuned plain (") and found.use == "plain"
    assert found.warnings == ()


def test_many_variants_ask_for_ten_seeds(make: Make):
    five = {**WIN, "looksam": 0.94}
    assert "5 variants ask for 10 seeds; this study has 6." in analyse(make(five, seeds=6)).warnings
    assert analyse(make(five)).warnings == ()


def test_step_times_never_mix_machines(make: Make):
    found = analyse(make(WIN, sam={"device": "cuda"}, esam={"threads": 2}))
    times = {r.label: r.cost.step_time for r in found.rows if r.cost}
    assert times == {"asam": 2, "plain": 1, "sam": None, "esam": None}
    assert "Step times are blank where devices or thread counts differ." in found.warnings


def test_failed_runs_are_told(make: Make, failed: Record):
    assert "sam: 1 of 21 runs failed." in analyse(make(WIN, extra=(failed,))).warnings


@pytest.fixture
def failed(make: Make) -> Record:
    return replace(make({"sam": 0.9}).records[0], outcome="failed", reason="out of memory")
