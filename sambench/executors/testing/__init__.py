"""The conformance suite of executors, to run over your own (needs pytest).

    # test_mine.py
    from sambench.executors.testing import ExecutorConformance
    import mine  # registers the executor "mine"

    class TestMine(ExecutorConformance):
        executor = mine.Mine(workers=2)

Every built-in executor passes it. The processes of its jobs must run on this machine.
"""

import pytest

pytest.register_assert_rewrite("sambench.executors.testing.conformance")

from sambench.executors.testing.conformance import ExecutorConformance, is_alive  # noqa: E402

__all__ = ["ExecutorConformance", "is_alive"]
