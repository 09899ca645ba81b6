"""What is printed: page, JSON, terminal, index."""

import io
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console

from sambench import records
from sambench.analysis import published
from sambench.analysis.leaderboard import analyse
from sambench.analysis.published import PublishedStudies, PublishedStudy
from sambench.records import Damage, Records
from sambench.render.markdown import index, page
from sambench.render.terminal import leaderboard

Make = Callable[..., Records]
WIN = {"plain": 0.9325, "sam": 0.948, "asam": 0.951, "esam": 0.940}


def study_of(found: Records) -> PublishedStudy:
    return published.study(Path("digits.csv"), found)


def text_of(found: Records) -> str:
    return page.render(study_of(found), "digits")


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


def test_the_page_answers_first_and_says_how(make: Make):
    study = study_of(make(WIN))
    found = study.leaderboard
    lines = page.render(study, "digits").splitlines()
    assert lines[0] == "# digits" and lines[4] == f"**{found.headline}**"
    assert lines[6] == f"**Use this:** {found.advice}"
    table = lines[8:14]
    assert len({len(line) for line in table}) == 1 and all(line[0] == "|" for line in table)
    text = "\n".join(lines)
    for fact in (
        "python -m sambench study",
        "0123abc",
        "2026-11-22",
        "torch 2.15.0",
        "cpu, threads 1",
    ):
        assert fact in text
    assert "The test set was used 40 times" in text and "40% of training and validation" in text
    found.header["spec"]["task"]["label_noise"] = 0.0
    assert "labels wrong" not in page.render(study, "digits")


def test_the_protocol_names_what_differs_from_the_defaults(make: Make):
    study = make(WIN)
    assert "Also:" not in text_of(study)
    spec = study.header["spec"]
    train = {**spec["train"], "ema": 0.99, "amp": "bf16"}
    header = {**study.header, "spec": {**spec, "train": train}}
    text = text_of(Records(header, study.records))
    assert "- Also: ema 0.99, amp bf16.\n" in text


def test_detectable_differences_are_printed(make: Make):
    study = study_of(make(WIN))
    found = study.leaderboard
    sizes = sorted(
        100 * r.against.detectable for r in found.rows if r.against and r.against.detectable
    )
    assert len(sizes) == 3
    assert f"in points: {sizes[0]:.2f} to {sizes[-1]:.2f}, depending" in page.render(study)


def test_a_bar_in_a_name_does_not_break_the_table(make: Make):
    study = make(WIN)
    renamed = [replace(r, variant=r.variant.replace("asam", "a|b")) for r in study.records]
    assert "| a\\|b " in text_of(Records(study.header, tuple(renamed)))


def test_the_terminal_shows_the_same_in_80_columns(make: Make):
    study = study_of(make(WIN))
    found = study.leaderboard
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(leaderboard.render(found))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "[unadjusted 95% CI]" in text and text.startswith("asam beats tuned plain")
    for line in page.render(study).splitlines()[10:14]:
        accuracy = line.split("|")[3].strip()
        assert accuracy in text


def test_page_terminal_and_json_tell_damage_before_the_table(make: Make):
    study = make(WIN)
    damages = [Damage(17, "damaged: its check does not fit its cells; not counted")]
    damaged = study_of(Records(study.header, study.records, damages))
    found = damaged.leaderboard
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(leaderboard.render(found))
    for text in (page.render(damaged), console.export_text()):
        assert "line 17: damaged: its check does not fit" in text.partition("test accuracy, %")[0]
    assert asdict(found)["damages"] == (str(damages[0]),)


def test_the_index_lists_question_answer_date_and_link(make: Make):
    study = study_of(make(WIN))
    found = study.leaderboard
    text = index.render(PublishedStudies({"digits": study, "another": study}, {}), {})
    assert text.index("[another](another.md), 2026-11-22") < text.index("[digits](digits.md)")
    assert found.question in text and found.headline in text
