"""What a run costs beside its training: the record of it and its page."""

from pathlib import Path

import pytest

from sambench.bench import Dispatching, Reporting, Scale, Starting, Storing, scale
from sambench.errors import UserError
from sambench.render import publish_scale, regenerate


@pytest.fixture
def measured() -> Scale:
    return Scale(
        arms=42,
        storing=(Storing("journal", 10_000, 8, (0.012, 0.01, 0.011), 3.25),),
        dispatching=(Dispatching("local", 8, (0.004,)),),
        starting=(Starting(10_000, 4.5, 4.25, 1_100_000_000),),
        reporting=(Reporting(1_000_000, 9.5, 14.25, 1_800_000_000),),
        hardware="Example CPU",
        command="python -m sambench bench --scale",
        commit="0123abc",
        date="2026-11-26",
        versions={"optuna": "5.0.0"},
        host={"cpus": 2, "load before": 0.5},
    )


def test_the_page_says_what_was_measured(measured: Scale, tmp_path: Path):
    page = publish_scale(measured, tmp_path)
    text = page.read_text()
    assert page.name == "scale-cpu.md"
    for words in (
        "| journal   | 10,000 | 8              | 11.00 [10.00, 12.00] | 3.25         |",
        "| local    | 8       | 4.00 [4.00, 4.00] |",
        "| 10,000        | 4.50              | 4.25         | 1,100               |",
        "| 1,000,000 | 9.5        | 14.2         | 1,800      |",
        "    python -m sambench bench --scale",
        "load before 0.5",
    ):
        assert words in text
    assert scale.read(tmp_path / "scale-cpu.json") == measured
    assert "scale-cpu.md" in (tmp_path / "README.md").read_text()


def test_the_page_is_checked_with_the_others(measured: Scale, tmp_path: Path):
    page = publish_scale(measured, tmp_path)
    assert regenerate(tmp_path, check=True).stale == []
    page.write_text(page.read_text() + "\n")
    assert regenerate(tmp_path, check=True).stale == [page]


def test_a_damaged_record_is_named(measured: Scale, tmp_path: Path):
    publish_scale(measured, tmp_path)
    path = tmp_path / "scale-cpu.json"
    path.write_text(path.read_text().replace("0.012", "-1"))
    with pytest.raises(UserError, match="timings must be finite"):
        scale.read(path)
    path.write_text("{")
    assert any("scale-cpu.json" in error for error in regenerate(tmp_path, check=True).errors)
