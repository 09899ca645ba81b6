"""What the README prints works as printed."""

import re
import tomllib
from pathlib import Path

import pytest

import variants
from sambench import config
from variants.core import registry

README = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("code", [b for b in blocks("python") if "run_study" not in b])
def test_programs_run(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for registered in ("_classes", "_infos"):  # a program may register a variant of its own
        monkeypatch.setattr(registry, registered, dict(getattr(registry, registered)))
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_study_file_is_the_default_study() -> None:
    spelled, table = (tomllib.loads(block) for block in blocks("toml")[:2])
    study = config.parse(spelled, "digits")
    assert config.fingerprint(study) == config.fingerprint(config.load("digits"))
    arms = config.parse({**spelled, **table}, "digits").arms()
    assert "asam-davda" in {arm.label for arm in arms}


def test_own_variant_takes_less_than_20_lines() -> None:
    (code,) = (block for block in blocks("python") if "class HalfSAM" in block)
    assert len([line for line in code.splitlines() if line]) < 20


def test_every_variant_is_listed() -> None:
    assert all(f"`{name}`" in README for name in variants.names())
