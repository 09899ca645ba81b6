"""The memory that variants declare is the most that they take."""

from pathlib import Path

import pytest

import variants
from variants.testing import memory, perceptron


@pytest.mark.parametrize("name", ["sam", "asam", "gsam", "esam", "gc_sam", "cr_sam"])
def test_beside_large_activations_it_is_no_more(name: str, monkeypatch: pytest.MonkeyPatch):
    """What a step holds for a moment fits into the room of activations that are gone by then."""
    monkeypatch.setattr(perceptron, "BATCH", 2048)
    declared = variants.info(name).copies
    assert declared is not None
    assert 0 <= memory.extra_copies(variants.create(name)) < declared + 0.1


def test_memory_of_a_backup_waits_for_the_next_one_no_longer_than_the_first_pass(task):
    """It would be in the way of what a rule makes between two passes."""
    t = task()
    opt, held = t.driver(), []

    def closure(rows):
        held.append(len(opt.context.room))
        return t.losses(rows)

    for _ in range(3):
        opt.step(closure)
    num = len(list(t.model.parameters()))
    assert held == [0, 0, num, 0, num, 0]


def test_the_table_has_every_method_as_it_is_registered():
    text = (Path(variants.__file__).parent / "memory.md").read_text()
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    told = {row[1].strip(" `"): row[2].strip() for row in rows}
    copies = {name: variants.info(name).copies for name in variants.names() if name != "plain"}
    assert told == {name: f"{num:g}" for name, num in copies.items() if num is not None}
