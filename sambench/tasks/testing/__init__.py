"""The conformance suite of tasks, to run over your own (needs pytest).

    # test_mine.py
    from sambench.tasks.testing import TaskConformance
    import mine  # registers the kind of task "mine"

    class TestMine(TaskConformance):
        task = mine.Mine(dataset="small", model="tiny")

Every built-in kind passes it. The data should be small: they are read several times. A kind that
brings a trainer of its own passes `TrainerConformance` instead, with `train`, a `Train` of seconds.
"""

import pytest

for _name in ("conformance", "tables", "trainers"):
    pytest.register_assert_rewrite(f"{__name__}.{_name}")

from sambench.tasks.testing.conformance import TaskConformance  # noqa: E402
from sambench.tasks.testing.trainers import TrainerConformance  # noqa: E402

__all__ = ["TaskConformance", "TrainerConformance"]
