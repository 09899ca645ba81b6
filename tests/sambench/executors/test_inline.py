"""The process of the study itself."""

import pytest

from sambench.errors import UserError
from sambench.executors import Inline, chosen
from sambench.executors.testing import ExecutorConformance


class TestInline(ExecutorConformance):
    executor = Inline()
    dies = False


def test_has_one_worker():
    with pytest.raises(UserError, match="workers: inline has one, got 2"):
        chosen("inline", workers=2)
