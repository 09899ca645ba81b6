"""What measures of weights cost: the record of it and its page."""

from pathlib import Path

import pytest

from sambench.bench import ConfirmRun, Price, Prices, prices
from sambench.errors import UserError
from sambench.render import publish_prices, regenerate


@pytest.fixture
def measured() -> Prices:
    return Prices(
        study="digits",
        model="test_resnet",
        item="row",
        train_items=797,
        test_items=600,
        batch_size=64,
        clock="of the processor",
        runs=(ConfirmRun("plain", 2.0, 78.0), ConfirmRun("sam", 4.0, 156.0)),
        prices=(
            Price("calibration", (0.1, 0.1), 3.1),
            Price("curvature", (9.0, 11.0), 822.0),
            Price("memorisation", (0.0, 0.0), 4.2, "no label is wrong"),
        ),
        hardware="Example CPU",
        command="python -m sambench bench --measures",
        commit="0123abc",
        date="2026-11-27",
        versions={"torch": "2.9"},
        host={"cpus": 2, "load before": 0.5},
    )


def test_the_page_says_what_was_measured(measured: Prices, tmp_path: Path):
    page = publish_prices(measured, tmp_path)
    text = " ".join(page.read_text().split())
    assert page.name == "measures-cpu.md"
    for words in (
        "a gradient evaluation is of 64 rows. All seconds are of the processor.",
        "| plain | 2.00 | 78 |",
        "| curvature | 10.00 | 450 | 275 | 822 |",
        "| calibration | 0.10 | 5 | 2 | 3 |",
        "| memorisation (failed: no label is wrong) | 0.00 | 0 | 0 | 4 |",
        "| all of them | 10.10 | 455 | 278 | 829 |",
        "On 797 training and 600 test rows.",
        "None is measured unless a study asks for it",
        "python -m sambench bench --measures",
        "load before 0.5",
    ):
        assert words in text, words
    assert text.index("| curvature") < text.index("| calibration") < text.index("| all of them")
    assert prices.read(tmp_path / "measures-cpu.json") == measured
    assert "measures-cpu.md" in (tmp_path / "README.md").read_text()


def test_the_page_is_checked_with_the_others(measured: Prices, tmp_path: Path):
    page = publish_prices(measured, tmp_path)
    assert regenerate(tmp_path, check=True).stale == []
    page.write_text(page.read_text() + "\n")
    assert regenerate(tmp_path, check=True).stale == [page]


@pytest.mark.parametrize(
    ("was", "is_", "said"),
    [
        ('"seconds": 2.0', '"seconds": 0', "runs must have taken more than 0 s"),
        ("11.0", "-1", "each measure needs the seconds of each run"),
        ("{", "[", "measures-cpu.json: the file: "),
    ],
)
def test_a_damaged_record_is_named(measured: Prices, tmp_path: Path, was: str, is_: str, said: str):
    publish_prices(measured, tmp_path)
    path = tmp_path / "measures-cpu.json"
    path.write_text(path.read_text().replace(was, is_, 1))
    with pytest.raises(UserError, match=said):
        prices.read(path)
    assert any(said in error for error in regenerate(tmp_path, check=True).errors)


def test_a_file_of_somebody_else_stays(measured: Prices, tmp_path: Path):
    mine = tmp_path / "measures-cpu.md"
    mine.write_text("my notes\n")
    with pytest.raises(UserError, match="was not made by sambench"):
        publish_prices(measured, tmp_path)
    assert mine.read_text() == "my notes\n"
