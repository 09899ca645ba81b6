"""What the READMEs print works as printed."""

import re
import tomllib
from pathlib import Path

import pytest

import variants
from sambench import config
from variants.core import registry

ROOT = Path(__file__).parents[1]
PLACES = (".", "variants", "studies", "sambench", "tests")


def blocks(place: str, language: str) -> list[str]:
    text = (ROOT / place / "README.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


PROGRAMS = [b for place in PLACES for b in blocks(place, "python") if "run_study" not in b]


@pytest.mark.parametrize("code", PROGRAMS)
def test_programs_run(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for registered in ("_classes", "_infos"):  # a program may register a variant of its own
        monkeypatch.setattr(registry, registered, dict(getattr(registry, registered)))
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_study_file_is_the_default_study() -> None:
    spelled, table = (tomllib.loads(block) for block in blocks("studies", "toml")[:2])
    study = config.parse(spelled, "digits")
    assert config.fingerprint(study) == config.fingerprint(config.load("digits"))
    assert blocks(".", "toml") == blocks("studies", "toml")[:1]
    arms = config.parse({**spelled, **table}, "digits").arms()
    assert "asam-davda" in {arm.label for arm in arms}


def test_own_variant_takes_less_than_20_lines() -> None:
    (code,) = (block for block in blocks("variants", "python") if "class HalfSAM" in block)
    assert len([line for line in code.splitlines() if line]) < 20


def test_every_variant_is_listed() -> None:
    readme = (ROOT / "variants" / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in variants.names())


def test_the_first_page_is_short_and_its_links_lead_somewhere() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
    for file in (
        *(ROOT / place / "README.md" for place in PLACES),
        ROOT / ".github/CONTRIBUTING.md",
    ):
        prose = re.sub(r"```.*?```|`.*?`", "", file.read_text(), flags=re.DOTALL)
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", prose):
            assert (file.parent / target).exists(), f"{file}: {target}"
