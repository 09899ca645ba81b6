"""What an arm is worth in a measure, on a measure that is its score."""

from dataclasses import replace

import pytest

from sambench.analysis import Leaderboard, analyse, csv_tables
from sambench.analysis.evidence import Evidence
from sambench.analysis.tables import frames
from sambench.records import Record, Records, Score
from sambench.render.tables import measures
from tests.sambench.conftest import Make

COPY = Score(name="copy", unit="share", direction="maximize")
LEVEL = Score(name="level", unit="nats", direction="minimize")


def with_measures(found: Records, skip: int | None = None) -> Records:
    """The same records where `copy` is the test score of each rerun, and `level` three times it."""

    def measured(record: Record) -> Record:
        score = record.test["accuracy"]
        lacks = record.stage != "confirm" or score is None or record.point == skip
        values = {"copy": None, "level": None} if lacks else {"copy": score, "level": 3 * score}
        return replace(record, measures=values)

    header = {**found.header, "measures": [COPY.model_dump(), LEVEL.model_dump()]}
    return Records(header, [measured(record) for record in found.records])


@pytest.fixture(scope="module")
def found(make: Make) -> Leaderboard:
    return analyse(with_measures(make({"plain": 0.9, "plain-x2": 0.88, "sam": 0.93})))


def test_a_measure_that_is_the_score_is_worth_the_score(found: Leaderboard):
    scores = {row.label: row for row in found.rows if row.score}
    own = {row.label: row for row in found.measured if row.score.name == COPY.name}
    assert list(own) == [row.label for row in found.rows]
    for label, row in own.items():
        score = scores[label].score
        assert score is not None and score.low is not None and row.value.low is not None
        assert row.value.value == pytest.approx(score.value, rel=1e-12)
        assert row.value.low == pytest.approx(score.low, rel=1e-9)
    (lead,) = [a for a in scores["sam"].against if a.label == own["sam"].plain]
    difference = own["sam"].difference
    assert difference is not None and difference.low is not None and lead.difference.low is not None
    assert difference.value == pytest.approx(lead.difference.value, rel=1e-9)
    assert difference.low == pytest.approx(lead.difference.low, rel=1e-9)
    assert own["plain"].difference is None and own["plain"].plain == ""


def test_other_units_are_not_cut(found: Leaderboard):
    copy, level = (
        next(
            row.value
            for row in found.measured
            if (row.score.name, row.label) == (score.name, "sam")
        )
        for score in (COPY, LEVEL)
    )
    assert level.value == pytest.approx(3 * copy.value) and level.high is not None
    assert level.high > 1 and level.half == pytest.approx(3 * (copy.half or 0), rel=1e-6)


def test_where_a_confirmed_rank_was_not_measured_nothing_is_said(make: Make):
    records = make({"plain": 0.9, "sam": 0.93})
    best = next(r.point for r in records.records if r.variant == "sam" and r.rank == 0)
    ranked = [r.point for r in records.records if r.variant == "plain" and r.stage == "confirm"]
    rows = analyse(with_measures(records, skip=best)).measured
    assert "sam" not in {row.label for row in rows}
    assert ("plain" in {row.label for row in rows}) == (best not in ranked)


def test_table_and_csv(make: Make, found: Leaderboard):
    table = measures.table(found)
    assert table.names[:3] == ["measure", "unit", "better"]
    assert table.names[3:] == [row.label for row in found.rows]
    assert [row[:3] for row in table.texts] == [["copy", "%", "higher"], ["level", "nats", "lower"]]
    assert all(" ± " in cell for row in table.texts for cell in row[3:])
    tidy = frames(Evidence(with_measures(make({"plain": 0.9, "sam": 0.93}))), found)["measures"]
    assert csv_tables.csv_text(tidy).startswith("measure,unit,direction,variant,value,low,high,")
    assert "measures" not in frames(Evidence(make({"plain": 0.9})), analyse(make({"plain": 0.9})))
