"""What was measured of weights, as figures and words: they say what the tables hold."""

import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest

from sambench.analysis import PublishedStudy, numbers
from sambench.records import Records
from sambench.render import page
from sambench.render.figures import Drawn

sys.path.insert(0, str(Path(__file__).parent))
from xml.etree import ElementTree as ET

from kinds import FEW, drawn, measured, pool
from reading import boxes, told

pytest.importorskip("matplotlib")
NAMES = (
    *("sharpness", "severity-corrupted", "reliability", "slices", "planes"),
    *("memorisation-memorised", "memorisation-corrected", "confusion"),
)
PARTS = ("measures", "sharpness", "robustness", "calibration", "slices", "memorisation", "classes")


@pytest.fixture(scope="module")
def study(make: Callable[..., Records]) -> PublishedStudy:
    return measured(make)


@pytest.fixture(scope="module")
def figures(study: PublishedStudy) -> dict[str, Drawn]:
    return {figure.name: figure for figure in drawn(study)}


def test_all_are_drawn(figures: dict[str, Drawn]):
    assert [name for name in figures if name in NAMES] == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_no_text_covers_another(figures: dict[str, Drawn], name: str):
    found = boxes(ET.fromstring(figures[name].svg))
    for (_, a), (_, b) in combinations(found, 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, (a, b)


def test_taus_are_those_of_the_table(study: PublishedStudy, figures: dict[str, Drawn]):
    taus = study.tables["correlation"].query("measure == 'ascent_worst'").set_index("of")["tau"]
    assert 0 < taus["sam"] < 0.5 and taus["plain"] == 1
    within = taus.drop(["all runs", "within arms"]).mean()
    assert taus["within arms"] == pytest.approx(within)
    alt = figures["sharpness"].alt
    assert f"ascent_worst \u03c4 {taus['all runs']:+.2f} ({within:+.2f})" in alt
    assert "hessian_trace \u03c4 \u22121.00 (\u22121.00)" in alt


def test_severities_are_means_over_the_corruptions_that_there_are(study: PublishedStudy):
    """The third one is NaN, and the second 5 points below the first."""
    rows = study.tables["severity"].query("variant == 'plain'").set_index("severity")["accuracy"]
    score = study.tables["ranking"].set_index("variant")["score"]["plain"]
    for severity, below in ((0, 0.0), (1, 0.1), (5, 0.3)):
        assert rows[severity] == pytest.approx(score - below - 0.025, abs=1e-6)
    assert set(study.tables["corruption"]["corruption"]) == {"fog", "snow"}


def test_mean_corruption_error_by_its_definition(study: PublishedStudy):
    corruption = study.tables["corruption"].pivot(
        index="corruption", columns="variant", values="accuracy"
    )
    wanted = ((1 - corruption["sam"]) / (1 - corruption["plain"])).mean()
    rows = study.tables["measures"].query("measure == 'corrupted_mce'").set_index("variant")
    assert rows["value"]["sam"] == pytest.approx(wanted, rel=1e-8)
    assert rows["value"]["plain"] == 1 and rows["low"]["plain"] == pytest.approx(1)
    assert rows["difference"]["sam"] == pytest.approx(wanted - 1, rel=1e-6)


def test_reliability_adds_up(study: PublishedStudy):
    bins = study.tables["reliability"].query("variant == 'sam'")
    assert bins["images"].sum() == pytest.approx(1)
    assert pd.isna(bins["accuracy"].iloc[0]) and bins["confidence"].iloc[1] == pytest.approx(0.6)


def test_learned_labels_are_those_of_the_table(study: PublishedStudy, figures: dict[str, Drawn]):
    table = study.tables["memorisation"]
    score = study.tables["ranking"].set_index("variant")["score"]
    rows = table.query("measure == 'memorised'").set_index(["variant", "epoch"])["share"]
    for arm, epochs in (("plain", 10), ("plain-x2", 20), ("sam", 10)):
        assert [*rows[arm].index] == list(range(1, epochs + 1))
        wanted = [epoch * (1 - score[arm]) / 2 / epochs for epoch in range(1, epochs + 1)]
        assert rows[arm].tolist() == pytest.approx(wanted, abs=1e-6)
    words = {
        "memorised": rows["sam"][10],
        "corrected": table.query("measure == 'corrected' and variant == 'sam'")["share"].iloc[-1],
    }
    for name, end in words.items():
        drawn = figures[f"memorisation-{name}"]
        assert any(
            f"sam, epoch 10 of 10: {numbers.percent(end)}% [" in text
            for text in told(ET.fromstring(drawn.svg))
        )
    assert "of sam it is least at the end" in figures["memorisation-memorised"].alt
    assert "of sam it is most at the end" in figures["memorisation-corrected"].alt


def test_confusion_is_by_true_class(study: PublishedStudy, figures: dict[str, Drawn]):
    shares = study.tables["confusion"].groupby(["variant", "true_class"])["share"].sum()
    assert shares.to_numpy() == pytest.approx(1)
    assert any(
        "of class 2 taken for 0" in text for text in told(ET.fromstring(figures["confusion"].svg))
    )


def test_the_page_says_what_the_correlations_do(study: PublishedStudy):
    parts = {part.name: part for part in page.of(study).parts}
    assert [name for name in parts if name in PARTS] == list(PARTS)
    words = " ".join(parts["sharpness"].sentences)
    assert "of 2 kinds of sharpness, 1 rise with the gap, 1 fall where it rises" in words
    assert parts["classes"].folded


def test_nothing_measured_has_no_part(make: Callable[..., Records]):
    found = {part.name for part in page.of(pool(make, FEW)).parts}
    assert not found & {*PARTS}
