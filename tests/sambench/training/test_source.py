"""What tells a caller's function from another."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sambench.training import source

RECIPE = """
WIDTH = 32
OTHER = 1

def build():
    return WIDTH

class Loop:
    rate = 0.1

def train(optimizer, seed):
    Loop()
    return build()

if __name__ == "__main__":
    print(train)
"""


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Digest of `train` in a module with this text."""
    monkeypatch.syspath_prepend(tmp_path)
    count = iter(range(100))

    def digest(text: str) -> str:
        name = f"recipe_{next(count)}"
        (tmp_path / f"{name}.py").write_text(text)
        try:
            return source.digest(importlib.import_module(name).train)
        finally:
            sys.modules.pop(name, None)

    return digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("WIDTH = 32", "WIDTH = 64"),
        ("return WIDTH", "return WIDTH + 1"),
        ("rate = 0.1", "rate = 0.2"),
        ("return build()", "return -build()"),
    ],
)
def test_what_it_uses_of_its_module_counts(written: Callable[[str], str], old: str, new: str):
    assert written(RECIPE) != written(RECIPE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("OTHER = 1", "OTHER = 2"),
        ("print(train)", "print(train, 2)"),
        ("    Loop()", "    # once\n    Loop( )"),
        ("\ndef build", "\n\n\ndef build"),
    ],
)
def test_comments_and_the_rest_of_the_module_do_not(
    written: Callable[[str], str], old: str, new: str
):
    assert written(RECIPE) == written(RECIPE.replace(old, new))


def test_what_has_no_source_counts_by_its_name():
    scope: dict[str, Callable[..., object]] = {}
    exec("def typed(): return 1\ndef other(): return 1", scope)
    assert source.digest(scope["typed"]) == source.digest(scope["typed"])
    assert source.digest(scope["typed"]) != source.digest(scope["other"])


def test_an_object_that_is_called_has_the_name_of_its_class():
    class Model:
        def __call__(self) -> int:
            return 1

    assert source.named(Model()).endswith("Model")
