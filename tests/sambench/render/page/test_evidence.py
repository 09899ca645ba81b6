"""The parts of a page, in every kind of study."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sambench.analysis import PublishedStudy, published
from sambench.records import Record, Records
from sambench.render import page
from sambench.render.page import Part

Study = Callable[..., PublishedStudy]
Make = Callable[..., Records]
WIN = {"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83, "sam": 0.90, "asam": 0.925}


def parts(made: PublishedStudy) -> dict[str, Part]:
    """By name, those with something to tell."""
    found = page.of(made).parts
    assert len({part.name for part in found}) == len(found)
    return {part.name: part for part in found if not part.is_empty}


def texts(part: Part) -> list[list[str]]:
    assert part.table
    return part.table.texts


def test_a_ranked_study(study: Study):
    made = study({**WIN, "gam": 0.91})
    found = parts(made)
    assert list(found) == [
        *("ranking", "unranked", "settings", "method", "limits", "words", "plain", "equal"),
        *("inner", "radius", "divergence", "cost", "pool", "reruns", "reproduce"),
    ]
    assert found["unranked"].bullets == ["gam: only 2 of the 3 trials that are needed."]
    assert [line[0] for line in texts(found["plain"])] == ["asam", "sam"]
    assert [line[-2] for line in texts(found["plain"])] == ["yes", "no"]
    told = found["inner"].sentences[0]
    assert told.endswith(made.leaderboard.inner) and "inner 80% of each range" in told
    assert len(texts(found["settings"])) == 6
    assert found["divergence"].sentences[0].startswith("None of 190 points and 2")


def test_figures_have_their_places(study: Study):
    found = page.of(study(WIN)).parts
    names = ("tuning", "intervals", "search", "radius", "cost", "cost-time", "curves")
    for name in names:
        assert sum(part.shows(name) for part in found) == 1, name
    assert found[0].shows("tuning") and not found[0].title


def test_a_study_with_missing_points_shows_how_many(study: Study):
    def lost(run: Record) -> bool:
        return (run.variant, run.stage) == ("plain", "pool") and run.point > 25

    made = study(WIN, keep=lambda run: not lost(run))
    found = parts(made)
    assert made.leaderboard.kind == "partial"
    assert "14 of 180 points are missing" in page.of(made).headline
    assert found["ranking"].title == "Scores at a budget of 8 full runs of plain, not ranked"
    lines = {line[0]: line for line in texts(found["method"])}
    assert "26 of 40" in lines["plain"] and "20" in lines["sam"]
    assert "plain" not in found


def test_too_few_searches_conclude_nothing(study: Study):
    made = study(WIN, searches=3)
    assert "3 searches" in page.of(made).headline and made.leaderboard.use is None
    assert parts(made)["ranking"].title.endswith("not ranked")


def test_an_adaptive_study_hands_out_settings_alone(study: Study):
    made = study(WIN, keep=lambda run: run.stage != "confirm", search={"sampler": "tpe"})
    found = parts(made)
    assert not {"ranking", "unranked", "plain", "words", "equal", "inner"} & found.keys()
    assert len(texts(found["settings"])) == 5
    assert "tuned(k)" not in found["settings"].sentences[0]
    assert not page.of(made).answer


def fixed(make: Make) -> PublishedStudy:
    """Paired seeds at settings of the study's own."""
    made = make({"plain": 0.87, "sam": 0.9})
    seeds = [r for r in made.records if r.stage == "confirm" and r.rank == 0 and r.rerun < 6]
    runs = [replace(run, point=-1, rank=None) for run in seeds]
    header = {**made.header, "fits": {}}
    header["spec"]["search"] = {"lr": 0.05}
    header["spec"]["confirm"] = {"seeds": 6}
    for arm in header["arms"].values():
        arm |= {"lr": 0.05, "space": {}, "fix": {"rho": 0.1} if arm["radius"] else {}}
    return published.study(Path("digits.csv"), Records(header, runs))


def test_fixed_settings_are_compared_by_seeds(make: Make):
    made = fixed(make)
    assert made.leaderboard.kind == "fixed"
    found = parts(made)
    assert found["ranking"].title == "Ranking at the settings of the study"
    assert found["method"].table and "seeds" in found["method"].table.names
    assert "trials k" not in found["method"].table.names
    assert not {"equal", "inner", "radius", "settings"} & found.keys()
    assert texts(found["method"])[1] == ["sam", "sam", "1", "10", "lr 0.05, rho 0.1", "6"]
    assert "Nothing was searched" in " ".join(found["method"].bullets)


def test_where_curves_lie_above_one_another(make: Make):
    made = make(WIN)
    made.header["bands"] = {"curves": 3.0, "differences": 3.0}
    found = parts(published.study(Path("digits.csv"), made))
    assert any(line.startswith("asam lies above ") for line in found["orders"].bullets)
    assert "simultaneous 95% band" in found["orders"].sentences[0]


def test_machines_are_compared(make: Make):
    made = make(WIN)
    runs = [
        replace(run, instructions="AVX2" if run.point % 2 else "DEFAULT") for run in made.records
    ]
    found = parts(published.study(Path("digits.csv"), Records(made.header, runs)))["halves"]
    assert found.sentences[0].endswith("A: Example CPU, AVX2; B: Example CPU, DEFAULT.")
    assert found.sentences[1].startswith("DEFAULT is torch's word for the instructions that")
    assert texts(found)[0][1] == "A and B" and len(texts(found)) == 5


def test_divergence_has_its_table(make: Make):
    made = make(WIN)
    lost = {"outcome": "diverged", "val": {"accuracy": None, "loss": None}}
    runs = [
        replace(run, **lost) if (run.variant, run.stage, run.point) == ("sam", "pool", 3) else run
        for run in made.records
    ]
    found = parts(published.study(Path("digits.csv"), Records(made.header, runs)))["divergence"]
    line = next(line for line in texts(found) if line[0] == "sam")
    assert line[:4] == ["sam", "20", "1", "0.00"] and not found.sentences


@pytest.mark.parametrize("many", [False, True])
def test_runs_are_listed_up_to_a_limit(study: Study, monkeypatch: pytest.MonkeyPatch, many: bool):
    from sambench.render.tables import runs

    if many:
        monkeypatch.setattr(runs, "LISTED", 5)
    table = parts(study(WIN))["pool"].table
    assert table and len(table.rows) == (5 if many else 180)
    assert table.after == ("The first 5 of them; the records have all." if many else "")
    assert table.caption == "Pool runs: 180"


def test_an_extension_says_that_it_is_one_and_is_stricter(make: Make):
    made = make(WIN)
    made.header["extension"] = 1
    found = published.study(Path("digits.csv"), made)
    assert any("was concluded 1 time before" in told for told in page.of(found).warnings)
    assert "below 0.0125" in dict(parts(found)["words"].terms)["Holm p"]
