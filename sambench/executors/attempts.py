"""How often a job is started whose workers die."""

from sambench.executors.executor import EpochRow

ATTEMPTS = 3
"""that may die before a job gets any further"""


class Attempts:
    """Those of one job; the count begins anew whenever it gets further."""

    def __init__(self) -> None:
        self._num, self._epoch = 1, 0.0

    def got_to(self, row: EpochRow) -> None:
        if row["epoch"] > self._epoch:
            self._num, self._epoch = 1, row["epoch"]

    def again(self) -> bool:
        """Whether there is another after one whose worker died."""
        if self._num == ATTEMPTS:
            return False
        self._num += 1
        return True
