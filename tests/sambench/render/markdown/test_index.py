"""The list of all studies, and what variants did over tasks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sambench.analysis import PublishedStudies, PublishedStudy, published
from sambench.records import Records
from sambench.render.markdown import index

Study = Callable[..., PublishedStudy]
Make = Callable[..., Records]
WIN = {"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83, "sam": 0.90, "asam": 0.925}


def test_it_lists_question_answer_date_and_link(study: Study):
    made = study(WIN)
    found = made.leaderboard
    text = index.render(PublishedStudies({"digits": made, "another": made}, {"zz": "bad"}), {})
    assert text.index("[another](another.md), 2026-11-22") < text.index("[digits](digits.md)")
    assert found.question in text and found.headline in text
    assert "- zz: its records cannot be read" in text


def test_studies_of_one_task_are_no_two(study: Study):
    made = study(WIN)
    text = index.render(PublishedStudies({"digits": made, "again": made}, {}), {})
    assert "Across studies" not in text


def test_two_tasks_speak_for_themselves(make: Make):
    found = {}
    for name, seed in (("digits", 0), ("clean", 1)):
        made = make(WIN, seed=seed)
        made.header["study"] = name
        made.header["spec"]["task"]["label_noise"] = 0.4 * (1 - seed)
        runs = [replace(run, study=name, train_loss=0.7 + seed) for run in made.records]
        found[name] = published.study(Path(f"{name}.csv"), Records(made.header, runs))
    text = index.render(PublishedStudies(found, {}), {})
    part = text.partition("## Across studies\n")[2]
    leads = [
        next(a.difference.value for a in row.against if a.label == "plain-x0.5")
        for study in found.values()
        for row in study.leaderboard.rows
        if row.label == "asam"
    ]
    line = next(line for line in part.splitlines() if line.startswith("| asam"))
    assert line.split("|")[2].strip() == "2" and "for these tasks" in line
    assert f"{100 * sum(leads) / 2:+.2f} [" in line
