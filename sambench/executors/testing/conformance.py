"""What every executor has to hold: see `ExecutorConformance`."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sambench.errors import UserError, WorkFailed
from sambench.executors.attempts import ATTEMPTS
from sambench.executors.executor import EpochRow, Executor, OnEpoch, RunFailed, Work
from sambench.executors.testing import jobs
from sambench.executors.testing.jobs import Job

PATIENCE_S = 60.0  # for a process to end


class ExecutorConformance:
    """Subclass it as `class TestMine(ExecutorConformance): executor = Mine(workers=2)`."""

    executor: ClassVar[Executor]
    dies: ClassVar[bool] = True
    """whether jobs have processes of their own, which may die"""
    outlive: ClassVar[bool] = False
    """whether jobs go on when the process that asked for them leaves, or dies"""

    @pytest.fixture
    def job(self, tmp_path: Path) -> Callable[..., Job]:
        """job(does, name, amount) -> a job with a folder of its own"""

        def job(does: Callable[..., Any], name: object, amount: int = 0) -> Job:
            folder = tmp_path / "jobs" / str(name)
            return Job(does, str(name), folder, tmp_path / "cache", amount)

        return job

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Callable[..., Any]:
        """The workers; the context ends them."""

        def opened(answers: bool = True) -> Any:
            work = Work(jobs.execute, jobs.prepare, jobs.lost, tmp_path, answers=answers)
            return self.executor.opened(work)

        return opened

    def test_every_job_is_executed_once(self, opened: Any, job: Any) -> None:
        """Whether there are fewer or more of them than workers."""
        with opened() as workers:
            for num in (0, 1, 5):
                found = _results(workers, [job(jobs.square, i, i) for i in range(num)])
                assert sorted(found) == [(str(i), i**2) for i in range(num)]

    def test_jobs_are_taken_one_by_one_as_there_is_room(self, opened: Any, job: Any) -> None:
        """An adaptive sampler must see the results so far before it is asked for the next trial."""
        taken, finished = [], []

        def asked() -> Iterator[Job]:
            for i in range(6):
                assert len(taken) - len(finished) < (self.executor.workers or 1)
                taken.append(i)
                yield job(jobs.square, i, i)

        with opened() as workers:
            for done, _ in workers.run(asked(), _never):
                finished.append(int(done.name))
        assert sorted(finished) == list(range(6))

    def test_epochs_arrive_in_order_while_a_job_runs_and_answers_stop_it(
        self, opened: Any, job: Any
    ) -> None:
        stop_at, heard = {"a": 3, "b": 5}, {"a": [], "b": []}

        def on_epoch(job: Job, row: EpochRow) -> bool:
            heard[job.name].append(row["epoch"])
            return row["epoch"] >= stop_at[job.name]

        with opened() as workers:
            found = _results(workers, [job(jobs.until_told, name) for name in stop_at], on_epoch)
        assert sorted(found) == sorted(stop_at.items())
        assert heard == {"a": [1, 2, 3], "b": [1, 2, 3, 4, 5]}

    def test_where_answers_do_not_matter_all_epochs_arrive_too(self, opened: Any, job: Any) -> None:
        heard = []
        with opened(answers=False) as workers:
            on_epoch = partial(_noted, heard)
            found = _results(workers, [job(jobs.never_told, "a", 20)], on_epoch)
        assert found == [("a", 0)]
        assert heard == list(range(1, 21))

    def test_where_a_job_is_executed_is_told_before_it_ends(self, opened: Any, job: Any) -> None:
        """By executors of other machines; it waits there until that is known."""
        if not self.executor.remote:
            pytest.skip("declared: jobs are executed on this machine")
        told = []

        def on_place(job: Job, host: str) -> None:
            told.append((job.name, host))
            if host:
                (job.cache / "known").touch()

        with opened() as workers:
            asked = job(jobs.until_known, "a")
            asked.cache.mkdir(exist_ok=True)
            assert [result for _, result in workers.run([asked], _never, on_place)] == ["known"]
        assert told[-1][0] == "a" and told[-1][1]

    def test_a_job_goes_on_from_what_its_folder_holds(self, opened: Any, job: Any) -> None:
        """However often its workers die, as long as each gets it further."""
        self._skip_unless_it_dies()
        heard, number = [], ATTEMPTS + 1
        with opened() as workers:
            asked = job(jobs.goes_on, "a", number)
            found = _results(workers, [asked], partial(_noted, heard))
        assert found == [("a", number)]
        assert heard == list(range(1, number + 1))
        left = {path.name: path.read_text() for path in asked.folder.iterdir()}
        assert left == {"result": str(number)}

    def test_a_job_that_its_workers_do_not_survive_is_given_up_and_the_next_one_taken(
        self, opened: Any, job: Any
    ) -> None:
        self._skip_unless_it_dies()
        heard = []
        with opened() as workers:
            asked = [job(jobs.dies, "bad"), *(job(jobs.square, i, i) for i in range(3))]
            found = dict(_results(workers, asked, partial(_noted, heard)))
        assert heard == [1] * ATTEMPTS
        assert found.pop("bad").startswith(f"lost: its worker died {ATTEMPTS} times")
        assert found == {"0": 0, "1": 1, "2": 4}

    @pytest.mark.parametrize(
        ("name", "error"), [("user", UserError), ("work", WorkFailed), ("full", OSError)]
    )
    def test_what_concerns_all_jobs_keeps_its_type(
        self, opened: Any, job: Any, name: str, error: type[Exception]
    ) -> None:
        with opened() as workers, pytest.raises(error) as raised:
            _results(workers, [job(jobs.raises, name)])
        assert getattr(raised.value, "errno", 28) == 28
        assert "\n" not in str(raised.value)

    @pytest.mark.parametrize(
        ("name", "said"),
        [("bug", "ZeroDivisionError: a bug"), ("eof", "EOFError: a file of yours is cut off")],
    )
    def test_a_job_that_raises_tells_whose_and_why(
        self, opened: Any, job: Any, name: str, said: str
    ) -> None:
        self._skip_unless_it_dies()
        with opened() as workers, pytest.raises(RunFailed) as failed:
            _results(workers, [job(jobs.raises, name)])
        assert str(failed.value).startswith(f"{name}: Traceback")
        assert said in str(failed.value)

    def test_leaving_ends_the_workers(self, opened: Any, job: Any) -> None:
        self._skip_unless_it_dies()
        if self.outlive:
            pytest.skip("declared: jobs outlive their driver")
        pids = []

        def interrupt(job: Job, row: EpochRow) -> bool:
            pids.append(int(row["pid"]))
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt), opened() as workers:
            _results(workers, [job(jobs.until_told, "a"), job(jobs.until_told, "b")], interrupt)
        end = time.monotonic() + PATIENCE_S
        while any(map(is_alive, pids)):
            assert time.monotonic() < end, "a worker outlives its executor"
            time.sleep(0.05)
        assert pids

    def _skip_unless_it_dies(self) -> None:
        if not self.dies:
            pytest.skip("declared: jobs have no processes of their own")


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits for its parent's notice does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _results(workers: Any, asked: list[Job], on_epoch: OnEpoch[Job] | None = None) -> list[Any]:
    """(name, result) in the order of their ends."""
    return [(job.name, result) for job, result in workers.run(asked, on_epoch or _never)]


def _never(job: Job, row: EpochRow) -> bool:
    return False


def _noted(heard: list[float], job: Job, row: EpochRow) -> bool:
    heard.append(row["epoch"])
    return False
