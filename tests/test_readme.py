"""What the README prints works as printed."""

import re
import tomllib
from pathlib import Path

import pytest

from sambench import config

README = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("code", [b for b in blocks("python") if "run_study" not in b])
def test_programs_run(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_study_file_is_the_default_study() -> None:
    spelled, table = (tomllib.loads(block) for block in blocks("toml"))
    study = config.parse(spelled, "digits")
    assert config.fingerprint(study) == config.fingerprint(config.load("digits"))
    assert config.parse({**spelled, **table}, "digits").arms()[-1].label == "asam-davda"


def test_every_variant_is_listed() -> None:
    import variants

    assert all(f"`{name}`" in README for name in variants.names())
