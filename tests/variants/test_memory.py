"""The memory that variants declare is the most that they take."""

import pytest

import variants
from variants.testing import memory


@pytest.mark.parametrize("name", ["sam", "asam", "gsam", "esam", "gc_sam", "cr_sam"])
def test_beside_large_activations_it_is_no_more(name: str, monkeypatch: pytest.MonkeyPatch):
    """What a step holds for a moment fits into the room of activations that are gone by then."""
    monkeypatch.setattr(memory, "BATCH", 2048)
    declared = variants.info(name).copies
    assert declared is not None
    assert 0 <= memory.extra_copies(variants.create(name)) < declared + 0.1
