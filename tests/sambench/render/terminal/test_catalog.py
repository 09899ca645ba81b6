"""The catalogue of variants on the command line."""

import json

import pytest
from click.testing import CliRunner

import variants
from sambench.cli.app import cli


def catalog(*arguments: str, width: int = 200) -> str:
    result = CliRunner(env={"COLUMNS": str(width)}).invoke(cli, ["variants", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_lists_every_variant_with_its_cost():
    lines = {line.split()[0]: line for line in catalog().splitlines() if line.strip()}
    assert set(variants.names()) <= lines.keys()
    assert "LookSAM" in lines["looksam"] and " 1.2 " in lines["looksam"]
    assert "k=5" in lines["looksam"] and "alpha=0.7" in lines["looksam"]


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_terminal_cuts_nothing(width: int):
    text = catalog(width=width)
    assert "…" not in text and max(map(len, text.splitlines())) <= width
    letters = "".join(line[-30:].strip() for line in text.splitlines())
    assert width < 80 or "power_iterations=5" in letters  # no word is broken


@pytest.mark.parametrize("name", variants.names())
def test_explains_a_variant(name: str):
    text, info = catalog(name), variants.info(name)
    assert info.title in text and info.arxiv in text
    assert all(key in text and h.domain in text for key, h in info.hyperparameters.items())
    assert info.doc.splitlines()[0] in text


def test_json_holds_the_same():
    found = {entry["name"]: entry for entry in json.loads(catalog("--json"))}
    assert found.keys() == set(variants.names())
    rho = found["asam"]["hyperparameters"]["rho"]
    assert rho["default"] == 0.5 and rho["range"] == [0.1, 2.0] and rho["log"]
    assert json.loads(catalog("asam", "--json")) == found["asam"]
