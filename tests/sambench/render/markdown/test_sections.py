"""What a page says below its answer, from tidy tables."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sambench.analysis import published
from sambench.analysis.leaderboard import analyse
from sambench.records import Records
from sambench.render.markdown import page, sections
from sambench.render.tables import runs

Make = Callable[..., Records]
WIN = {"plain": 0.9325, "sam": 0.948, "asam": 0.951}


def text(study: Records) -> str:
    return page.render(published.study(Path("digits.csv"), study), "digits")


def tables(study: Records) -> dict[str, pd.DataFrame]:
    return published.study(Path("digits.csv"), study).tables


def searched(study: Records, **changes: object) -> Records:
    """Its search runs of sam, changed."""
    runs = [
        replace(r, **changes) if (r.variant, r.stage) == ("sam", "search") else r  # pyright: ignore
        for r in study.records
    ]
    return Records(study.header, runs)


def test_the_answer_comes_before_all_evidence(make: Make):
    study = make(WIN)
    found, top = analyse(study), text(study).partition("\n## ")[0]
    for told in (found.headline, found.advice, *(f"| {row.label} " for row in found.rows)):
        assert told in top
    rest = text(study).removeprefix(top)
    assert rest.startswith("\n## At equal epochs\n") and "\n## Cost\n" in rest


def test_the_second_ranking_has_its_own_baseline(make: Make):
    study = make({**WIN, "plain-equal-epochs": 0.92})
    header = {**study.header, "spaces": {**study.header["spaces"]}}
    header["spaces"]["plain-equal-epochs"] = {"lr": header["spaces"]["plain"]["lr"]}
    runs = [replace(r, key=r.key.removesuffix("-equal-epochs")) for r in study.records]
    found = text(Records(header, runs))
    head, second = found.split("## At equal epochs")
    second = second.partition("##")[0]
    assert "plain-equal-epochs" in second and "plain-equal-epochs" not in head
    assert "| plain  " not in second and second.count("Holm p") == 1


def test_costs_mark_the_front(make: Make):
    study = make(WIN)
    lines = sections.cost(tables(study)["cost"]).splitlines()
    cells = {line.split("|")[1].strip(): line.split("|")[3].strip() for line in lines[2:5]}
    assert cells == {"plain": "120 *", "asam": "240 *", "sam": "240"}
    assert "memory" not in lines[0]
    gpu = Records(study.header, [replace(r, peak_memory=2**30) for r in study.records])
    assert "| 1,024" in sections.cost(tables(gpu)["cost"])


def test_divergence_in_the_search_is_told(make: Make):
    study = make(WIN)
    assert sections.divergence(tables(study)["divergence"]) == "None of 24 search runs diverged."
    hit = searched(study, outcome="diverged", val_accuracy=None)
    told = "Diverged in the search: sam 8 of 8 runs; the others never."
    assert sections.divergence(tables(hit)["divergence"]) == told


def test_more_trials_bring_more(make: Make):
    study = make(WIN)
    runs = [
        replace(r, val_accuracy=0.5 + r.trial / 100) if r.stage == "search" else r
        for r in study.records
    ]
    found = sections.budget(tables(Records(study.header, runs))["budget"])
    row = next(line for line in found.splitlines() if line.startswith("| sam"))
    values = [float(cell) for cell in row.split("|")[2:-1]]
    assert values == pytest.approx([53.5, 55.0, 56.2, 57.0], abs=0.51) and values[-1] == 57.0


def test_every_configuration_is_folded_away(make: Make, monkeypatch: pytest.MonkeyPatch):
    found = tables(make(WIN))["search"]
    told = sections.configurations(found, "digits")
    assert told.startswith("<details><summary>Every configuration: 24 search runs</summary>\n\n|")
    assert told.count("| complete |") == 24 and "source" not in told
    monkeypatch.setattr(runs, "LISTED", 5)
    told = sections.configurations(found, "digits")
    assert told.count("| complete |") == 5 and "And 19 more in `digits/search.csv`." in told


def test_trials_of_a_sweep_are_listed_as_such(make: Make):
    found = tables(searched(make(WIN), source="sweep"))["search"]
    assert sections.configurations(found, "digits").count("| sweep  |") == 8


def test_published_numbers_are_apart(make: Make):
    study = make(WIN)
    given = {"variant": "SAM", "accuracy": 95.9, "sd": 0.1, "source": "arXiv:2010.01412"}
    study.header["spec"]["published"] = [given, {**given, "sd": None, "note": "WRN-28-10"}]
    found = text(study)
    part = found.split("## Published elsewhere")[1].partition("## ")[0]
    assert "not ranked" in part and "95.90 ± 0.10" in part and "| 95.90        |" in part
    assert "WRN-28-10" in part and "arXiv" not in found.split("## Published elsewhere")[0]
    assert "Published elsewhere" not in text(make(WIN))


def test_a_study_of_nothing_but_failures_has_a_page(make: Make):
    study = make(WIN)
    lost = {"outcome": "failed", "val_accuracy": None, "test_accuracy": None, "test_correct": ""}
    assert "No headline" in text(Records(study.header, [replace(r, **lost) for r in study.records]))
    assert "No headline" in text(Records(study.header, []))
