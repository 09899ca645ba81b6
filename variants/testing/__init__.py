"""The conformance suite of variants, to run over your own (needs pytest, and timm if installed).

    # test_mine.py
    from variants.testing import VariantConformance
    import mine  # registers the variant "mine"

    class TestMine(VariantConformance):
        name = "mine"

Every built-in variant passes it. Where a rule is different by intent (its offset is no ball, radius
0 is not the base optimizer), say so with the class's attributes.
"""

import pytest

pytest.register_assert_rewrite("variants.testing.conformance")

from variants.testing.conformance import VariantConformance  # noqa: E402
from variants.testing.oracle import FunctionOracle, simulate  # noqa: E402
from variants.testing.problem import TOTAL_STEPS, Run, Tiny, adamw, data, sgd  # noqa: E402

__all__ = [
    "TOTAL_STEPS",
    "FunctionOracle",
    "Run",
    "Tiny",
    "VariantConformance",
    "adamw",
    "data",
    "sgd",
    "simulate",
]
