"""The conformance suite of measures, to run over your own (needs pytest).

    # test_mine.py
    from sambench.measures.testing import MeasureConformance
    import mine  # registers the measure "mine"

    class TestMine(MeasureConformance):
        measure = mine.Mine()

Every built-in measure passes it.
"""

import pytest

pytest.register_assert_rewrite("sambench.measures.testing.conformance")

from sambench.measures.testing.conformance import MeasureConformance, convolutional  # noqa: E402

__all__ = ["MeasureConformance", "convolutional"]
