"""Extra memory, measured tensor by tensor: what is declared, and two copies for SAM."""

import pytest

import variants
from variants.testing._memory import extra_copies


@pytest.mark.parametrize("name", variants.names())
def test_as_declared(name):
    measured = extra_copies(variants.create(name))
    assert measured == pytest.approx(variants.info(name).copies, abs=0.1)


def test_sam_needs_a_backup_and_an_offset():
    assert extra_copies(variants.create("sam")) <= 2.01
