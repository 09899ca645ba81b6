"""A study's page in markdown."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from sambench import records
from sambench.analysis import PublishedStudy, analyse, published
from sambench.records import Damage, Records
from sambench.render.markdown import page
from sambench.render.page import Page, of

Make = Callable[..., Records]
Study = Callable[..., PublishedStudy]
WIN = {"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83, "sam": 0.90, "asam": 0.925}
FIGURES = (("digits/tuning.svg", "Curves [of 5]"), ("digits/cost-time.svg", "Score against time"))


def text_of(found: Records) -> str:
    return page.render(published.study(Path("digits.csv"), found))


def test_the_order_of_the_records_does_not_matter(make: Make):
    study = make(WIN)
    assert text_of(Records(study.header, study.records[::-1])) == text_of(study)


def test_page_and_json_survive_the_file(make: Make, tmp_path: Path):
    study = make(WIN)
    texts = []
    for name in ("a.csv", "b.csv"):
        records.write(tmp_path / name, study.header, study.records)
        texts.append(text_of(records.read(tmp_path / name)))
    assert texts[0] == texts[1] == text_of(study)
    found = analyse(study)
    assert json.loads(json.dumps(asdict(found), allow_nan=False))["rows"][0]["label"] == "asam"


def test_the_answer_comes_first_then_the_curve_then_the_ranking(study: Study):
    made = study(WIN)
    found, lines = made.leaderboard, page.render(made, FIGURES).splitlines()
    assert lines[0] == "# digits" and lines[2] == found.question
    assert lines[4] == f"**{found.headline}**"
    assert lines[6] == f"**Use this:** {found.advice}"
    assert lines[8].startswith("**How sure:** ")
    assert lines[10] == "![Curves (of 5)](digits/tuning.svg)"
    assert lines[12] == "## Ranking at a budget of 8 full runs of plain"
    table = lines[14:21]
    assert len({len(line) for line in table}) == 1 and all(line[0] == "|" for line in table)
    assert [line.split()[1] for line in table[2:]] == [row.label for row in found.rows]


def test_sections_come_in_the_order_of_a_readers_questions(study: Study):
    lines = page.render(study(WIN), FIGURES).splitlines()
    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == [
        "Ranking at a budget of 8 full runs of plain",
        "Settings to use, each retrained 5 times",
        "How it was found",
        "What it cannot tell",
        "What the words mean",
        "Against each arm of plain",
        "At equal trials and epochs",
        "Without the ends of the ranges",
        "Radius",
        "Divergence",
        "Cost",
        "Reproduce",
    ]
    assert lines[lines.index("## Cost") + 2] == "![Score against time](digits/cost-time.svg)"


def test_a_figure_without_words_has_a_section_one_without_figure_has_none(study: Study):
    made = study(WIN)
    assert "## Training" not in page.render(made)
    drawn = page.render(made, [("digits/curves.svg", "Curves")])
    assert "## Training\n\n![Curves](digits/curves.svg)\n\n## Radius" in drawn


def test_it_says_where_it_comes_from(study: Study):
    text = page.render(study(WIN))
    for fact in (
        "    python -m sambench study\n",
        "0123abc",
        "2026-11-22",
        "torch 2.15.0",
        "Example CPU (AVX2), threads 1",
        "The test set was used 40 times",
    ):
        assert fact in text


def test_every_run_is_there_folded_away(study: Study):
    made = study(WIN)
    text, counts = page.render(made), made.leaderboard.counts
    pool = sum(counts["pool"].values())
    reruns = sum(counts["confirm"].values()) + sum(counts["setting"].values())
    assert f"<details><summary>Pool runs: {pool:,}</summary>\n\n| arm " in text
    assert f"<details><summary>Reruns: {reruns:,}</summary>" in text
    folded = text.partition("<details>")[2].partition("## ")[0]
    assert folded.count("</details>") == 2
    assert folded.count("| complete |") == pool + reruns


def test_published_numbers_are_apart(make: Make):
    study = make(WIN)
    given = {"variant": "a|b", "accuracy": 95.9, "sd": 0.1, "source": "arXiv:2010.01412"}
    study.header["spec"]["published"] = [given, {**given, "sd": None, "note": "WRN-28-10"}]
    head, _, rest = text_of(study).partition("## Published elsewhere")
    part = rest.partition("## ")[0]
    assert "never ranked" in part and "95.90 ± 0.10" in part and "| 95.90        |" in part
    assert "| a\\|b " in part and "WRN-28-10" in part and "arXiv" not in head
    assert "Published elsewhere" not in text_of(make(WIN))


def test_damage_is_told_before_the_table(make: Make):
    study = make(WIN)
    damages = [Damage(17, "damaged: its check does not fit its cells; not counted")]
    text = text_of(Records(study.header, study.records, damages))
    head = text.partition("tuned(k), %")[0]
    assert "**Damaged records: " in head
    assert "- line 17: damaged: its check does not fit" in head


@pytest.mark.parametrize("runs", ["none", "failed"])
def test_a_study_of_nothing_but_failures_has_a_page(make: Make, runs: str):
    study = make(WIN)
    lost = {"outcome": "failed", "val": {}, "test": {}, "items": {}}
    failed = [] if runs == "none" else [replace(r, **lost) for r in study.records]
    assert "**Nothing is concluded yet: " in text_of(Records(study.header, failed))


def shapes(make: Make) -> dict[str, PublishedStudy]:
    """Studies whose pages have all that a page may have."""
    full = make({**WIN, "gam": 0.91})
    full.header["bands"] = {"curves": 3.0, "differences": 3.0}
    full.header["fits"]["sam"]["edges"] = ["lr", "rho"]
    full.header["spec"]["published"] = [{"variant": "x", "accuracy": 9.5, "source": "a paper"}]
    lost = {"outcome": "diverged", "val": {"accuracy": None, "loss": None}}
    runs = [
        replace(
            run,
            instructions="AVX2" if run.point % 2 else "DEFAULT",
            **(lost if (run.stage, run.point) == ("pool", 3) else {}),
        )
        for run in full.records
    ]
    damages = [Damage(17, "damaged"), Damage(18, "damaged")]
    made = {
        "full": Records(full.header, runs, damages),
        "quiet": make({"plain": 0.9, "sam": 0.92}),
        "few": make(WIN, searches=3),
        "none": Records(full.header, []),
    }
    return {name: published.study(Path("digits.csv"), own) for name, own in made.items()}


FIGURE_NAMES = ("tuning", "intervals", "differences", "search", "curves", "radius", "cost")


def blocks(text: str) -> list[tuple[str, int]]:
    """Lists with their items, tables with their lines, commands; each must stand by itself."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    found = []
    for token in tokens:
        match token.type:
            case "bullet_list_open" | "table_open" | "code_block":
                name = token.type.partition("_")[0]
                assert token.level == 0, f"a {name} inside of another block: {token.map}"
                found.append([name, 0])
            case "list_item_open" | "tr_open":
                found[-1][1] += 1
    return [(name, num) for name, num in found]


def expected(found: Page) -> Iterator[tuple[str, int]]:
    """What the page has of these, in its order."""
    for listed in (found.damages, found.warnings):
        if listed:
            yield "bullet", len(listed)
    for part in found.parts:
        if part.table and part.table.rows:
            yield "table", len(part.table.rows) + 1
        if part.command:
            yield "code", 0
        for listed in (part.bullets, part.terms):
            if listed:
                yield "bullet", len(listed)


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("name", ["full", "quiet", "few", "none"])
def test_every_list_table_and_command_stands_by_itself(make: Make, name: str, drawn: bool):
    """Lists that only a blank line parts are one list, and what is indented below one is its item.

    https://spec.commonmark.org/0.31.2/#lists
    """
    study = shapes(make)[name]
    names = ("tuning", "intervals", "differences", "search", "curves", "radius", "cost")
    text = page.render(study, [(f"digits/{n}.svg", n) for n in names] if drawn else ())
    assert blocks(text) == list(expected(of(study)))


def test_the_words_are_one_click_away(study: Study):
    """By the address that GitHub gives a heading; every link of the page has one."""
    text = page.render(study(WIN))
    titles = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    addresses = [title.lower().replace(" ", "-") for title in titles]
    assert len(set(addresses)) == len(addresses)
    links = re.findall(r"\]\(#([^)]*)\)", text)
    assert links == ["what-the-words-mean"] and set(links) <= set(addresses)
    table, _, _ = text.partition("[What the words mean]")
    assert table.rstrip().endswith("|")
    assert "- **tuned(k)**: the test accuracy to expect" in text


def test_the_first_table_fits_a_phone(study: Study):
    table = next(part.table for part in of(study(WIN)).parts if part.name == "ranking")
    assert table and len(table.names) <= 6 and "cost of a run" in table.names[:3]


def test_where_labels_are_noisy_the_page_says_what_validation_scores_mean(make: Make):
    made = make(WIN)
    text = text_of(made)
    told = "40% of training and validation labels are wrong, test labels are clean"
    assert text.index(told) < text.index("validation accuracy")
    reruns = text.partition("<summary>Reruns")[2]
    assert told in reruns
    made.header["spec"]["task"]["label_noise"] = 0.0
    assert "labels are wrong" not in text_of(made)
