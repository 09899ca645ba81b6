"""Runs that are killed by SIGKILL, as workers execute them."""

import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sambench.executors import Assignment, execute
from sambench.training import Outcome


@dataclass(frozen=True)
class Deadly:
    """`execute`, whose process dies after 1 to 3 epochs in the first lives of some runs."""

    marks: Path
    """a folder of this machine, for a file per death"""
    share: float = 0.5
    """of lives that end early"""
    most: int = 2
    """deaths of a run: one more, if none gets it further, and it would be given up"""

    def __call__(
        self, assignment: Assignment, report: Callable[[dict[str, float]], bool]
    ) -> Outcome:
        run = assignment.run.id
        life = len(list(self.marks.glob(f"{run}.*")))
        chance = random.Random(f"{run}/{life}")
        early = life < self.most and chance.random() < self.share
        last, epochs = chance.choice([1, 2, 3]) if early else 0, 0

        def told(row: dict[str, float]) -> bool:
            nonlocal epochs
            answer, epochs = report(row), epochs + 1
            if epochs == last:
                (self.marks / f"{run}.{life}").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return execute(assignment, told)
