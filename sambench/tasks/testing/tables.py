"""What every task must keep to, whatever trains it."""

import copy
import math

from sambench.config import Task, task_of


class TableConformance:
    """Of `task`."""

    task: Task

    def test_its_table_is_what_it_dumps(self) -> None:
        assert task_of(self.task.model_dump(mode="json")) == self.task
        assert copy.deepcopy(self.task) == self.task

    def test_its_scores_are_known_by_their_names(self) -> None:
        names = [score.name for score in self.task.known]
        assert len(set(names)) == len(names) >= 2
        assert self.task.decides in self.task.scores

    def test_what_it_checks_is_in_order(self) -> None:
        self.task.check_data()
        self.task.check_model()

    def test_scores_of_whole_runs_are_known_after_every_epoch(self) -> None:
        rows = [
            {"epoch": float(epoch), **{f"val_{name}": 0.5 for name in self.task.judged}}
            for epoch in (1, 2)
        ]
        for so_far in (rows[:1], rows):
            found = self.task.of_run(so_far, "val", 2)
            assert {*found} == {*self.task.of_runs}
            assert all(map(math.isfinite, found.values()))
