"""What a trial takes beside one by hand: the record of it and its page."""

from pathlib import Path

import pytest

from sambench.bench import Race, Timed, Trials, trials
from sambench.errors import UserError
from sambench.render import publish_trials, regenerate


@pytest.fixture
def measured() -> Trials:
    return Trials(
        study="digits",
        model="test_resnet",
        train_images=797,
        val_images=400,
        epochs=6,
        batch_size=64,
        clock="of the processor",
        races=(
            Race(
                "plain",
                (
                    Timed("sambench", (1.0, 1.2, 1.1), 72.0, 0.5125),
                    Timed("by hand, tensors", (2.0, 2.0, 1.1), 72.0, 0.5),
                ),
            ),
        ),
        notes=("left out: sam",),
        hardware="Example CPU",
        command="python -m sambench bench --study digits --rounds 3",
        commit="0123abc",
        date="2026-11-27",
        versions={"torch": "2.9"},
        host={"cpus": 2, "load before": 0.5},
    )


def test_the_page_says_what_was_measured(measured: Trials, tmp_path: Path):
    page = publish_trials(measured, tmp_path)
    text = " ".join(page.read_text().split())
    assert page.name == "trials-cpu.md"
    for words in (
        "Trials of the study digits: test_resnet, 797 training and 400 validation images, 6 epochs",
        "3 rounds of a trial each, in an order drawn anew; all seconds are of the processor.",
        "| plain | sambench | 1.10 | | 72 | 51.2% |",
        "| plain | by hand, tensors | 2.00 | 0.60 [0.55, 0.80] | 72 | 50.0% |",
        "left out: sam",
        "python -m sambench bench --study digits --rounds 3",
        "load before 0.5",
    ):
        assert words in text, words
    assert trials.read(tmp_path / "trials-cpu.json") == measured
    assert "[trials-cpu](trials-cpu.md)" in (tmp_path / "README.md").read_text()


def test_the_page_is_checked_with_the_others(measured: Trials, tmp_path: Path):
    page = publish_trials(measured, tmp_path)
    assert regenerate(tmp_path, check=True).stale == []
    page.write_text(page.read_text() + "\n")
    assert regenerate(tmp_path, check=True).stale == [page]


@pytest.mark.parametrize(
    ("was", "is_", "said"),
    [
        ("     2.0,", "     0,", "trials must have taken more than 0 s"),
        ("     1.2,\n", "", "with as many rounds each"),
        ("{", "[", "trials-cpu.json: the file: "),
    ],
)
def test_a_damaged_record_is_named(measured: Trials, tmp_path: Path, was: str, is_: str, said: str):
    publish_trials(measured, tmp_path)
    path = tmp_path / "trials-cpu.json"
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, is_, 1))
    with pytest.raises(UserError, match=said):
        trials.read(path)
    assert any(said in error for error in regenerate(tmp_path, check=True).errors)
