"""The conformance suite of tasks, to run over your own (needs pytest).

    # test_mine.py
    from sambench.tasks.testing import TaskConformance
    import mine  # registers the kind of task "mine"

    class TestMine(TaskConformance):
        task = mine.Mine(dataset="small", model="tiny")

Every built-in kind passes it. The data should be small: they are read several times.
"""

import pytest

pytest.register_assert_rewrite("sambench.tasks.testing.conformance")

from sambench.tasks.testing.conformance import TaskConformance  # noqa: E402

__all__ = ["TaskConformance"]
