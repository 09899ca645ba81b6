"""Local worker processes: shared work, dead workers, errors, and a parent that dies."""

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sambench.errors import UserError
from sambench.executors import Inline, Local, RunFailed, Work, threads_each
from sambench.executors.local import ATTEMPTS
from sambench.tasks.images import models

HERE = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def code(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Jobs that a worker process can import, too."""
    monkeypatch.syspath_prepend(str(HERE))
    return importlib.import_module("custom_code")


def processes(num: int, code: Any, does: Any) -> Any:
    """So many local workers for a function, or one of the module by its name."""
    execute = getattr(code, does) if isinstance(does, str) else does
    work = Work(execute, code.prepare, code.lost, Path())
    return Local(workers=num, gpus_per_run=0.5).opened(work)


def never(job: object, row: dict[str, float]) -> bool:
    return False


def all_of(executor: Any, jobs: list[Any], on_epoch: Any = never) -> dict[Any, Any]:
    return dict(executor.run(jobs, on_epoch))


def test_two_processes_share_the_jobs(code: ModuleType):
    with processes(2, code, "square") as executor:
        found = all_of(executor, [1, 2, 3, 4])
    assert {job: result[0] for job, result in found.items()} == {1: 1, 2: 4, 3: 9, 4: 16}
    assert len({pid for _, pid, _ in found.values()}) == 2
    assert os.getpid() not in {pid for _, pid, _ in found.values()}
    assert {device for _, _, device in found.values()} == {"0"}  # which two may share


def test_more_workers_than_jobs_and_none_at_all(code: ModuleType):
    with processes(2, code, "square") as executor:
        assert all_of(executor, []) == {}
        assert set(all_of(executor, [7])) == {7}


@pytest.mark.parametrize("inline", [True, False])
def test_jobs_are_taken_one_by_one_as_there_is_room(code: ModuleType, inline: bool):
    """An adaptive sampler must see the results so far before it is asked for the next trial."""
    pulled, finished = [], []
    room = 1 if inline else 2

    def jobs() -> Iterator[int]:
        for job in range(6):
            assert len(pulled) - len(finished) < room
            pulled.append(job)
            yield job

    def consume(executor: Any) -> None:
        for job, _ in executor.run(jobs(), never):
            finished.append(job)

    if inline:
        with Inline().opened(
            Work(lambda job, report: job, code.prepare, code.lost, Path())
        ) as here:
            consume(here)
    else:
        with processes(2, code, "square") as executor:
            consume(executor)
    assert sorted(finished) == list(range(6))


def test_the_parent_says_when_to_stop(code: ModuleType):
    with processes(2, code, "until_told") as executor:
        stop_at = {"a": 3, "b": 5}
        found = all_of(executor, ["a", "b"], lambda job, row: row["epoch"] >= stop_at[job])
    assert found == {"a": 3, "b": 5}


def test_a_killed_worker_is_replaced_and_its_job_taken_up(code: ModuleType, tmp_path: Path):
    with processes(2, code, "dies") as executor:
        found = all_of(executor, [(str(tmp_path / "a"), 2), (str(tmp_path / "b"), 0)])
    assert set(found.values()) == {"after 2", "after 0"}


def test_a_job_that_its_workers_do_not_survive_is_given_up_and_the_next_one_taken(
    code: ModuleType, tmp_path: Path
):
    jobs = [(str(tmp_path / "a"), 99), (str(tmp_path / "b"), 0)]
    with processes(1, code, "dies") as executor:
        found = all_of(executor, jobs)
    assert (tmp_path / "a").read_text() == "x" * ATTEMPTS
    assert found[jobs[0]].startswith(f"lost: its worker died {ATTEMPTS} times (exit code -9)")
    assert found[jobs[1]] == "after 0"


def test_a_job_that_gets_further_each_time_is_never_given_up(code: ModuleType, tmp_path: Path):
    job = str(tmp_path / "a")
    with processes(1, code, "dies_after_each_epoch") as executor:
        assert all_of(executor, [job]) == {job: 2 * ATTEMPTS}


def test_a_worker_killed_between_its_message_and_our_answer(code: ModuleType):
    killed = []

    def on_epoch(job: str, row: dict[str, float]) -> bool:
        if not killed:
            killed.append(int(row["pid"]))
            os.kill(killed[0], signal.SIGKILL)
            time.sleep(0.3)  # dead before we answer
        return row["epoch"] >= 2

    with processes(1, code, "until_told") as executor:
        assert all_of(executor, ["a"], on_epoch) == {"a": 2}
    assert killed


def test_a_worker_killed_while_it_has_nothing_to_do(code: ModuleType):
    with processes(1, code, "square") as executor:
        _, pid, _ = all_of(executor, [1])[1]
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)
        value, other, _ = all_of(executor, [2])[2]
    assert value == 4 and other != pid


def test_a_job_that_raises_tells_whose_and_why(code: ModuleType):
    with processes(1, code, "raises") as executor, pytest.raises(RunFailed) as failed:
        all_of(executor, ["bug"])
    assert str(failed.value).startswith("bug: Traceback")
    assert "ZeroDivisionError: a bug of yours" in str(failed.value)


def test_an_end_of_file_in_a_job_is_not_taken_for_a_dead_worker(code: ModuleType):
    with processes(1, code, "raises") as executor, pytest.raises(RunFailed) as failed:
        all_of(executor, ["eof"])
    assert "EOFError: a file of yours is cut off" in str(failed.value)


@pytest.mark.parametrize(("job", "error"), [("user", UserError), ("full", OSError)])
def test_bad_input_and_full_disks_keep_their_type(code: ModuleType, job: str, error: type):
    with processes(1, code, "raises") as executor, pytest.raises(error) as raised:
        all_of(executor, [job])
    assert getattr(raised.value, "errno", 28) == 28


def test_leaving_ends_the_workers(code: ModuleType):
    pids = []

    def interrupt(job: str, row: dict[str, float]) -> bool:
        pids.append(int(row["pid"]))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        with processes(2, code, "until_told") as executor:
            all_of(executor, ["a", "b"], interrupt)
    assert pids and not any(map(alive, pids))


def test_workers_die_with_a_killed_parent(tmp_path: Path):
    script = (
        "import custom_code as code, sys\n"
        "from pathlib import Path\n"
        "from sambench.executors import Local, Work\n"
        "if __name__ == '__main__':\n"
        "    work = Work(code.sleeps, code.prepare, code.lost, Path())\n"
        "    with Local(workers=2).opened(work) as executor:\n"
        "        jobs = [f'{sys.argv[1]}/pid{i}' for i in range(2)]\n"
        "        list(executor.run(jobs, lambda job, row: False))\n"
    )
    path = tmp_path / "main.py"
    path.write_text(script)
    env = {**os.environ, "PYTHONPATH": str(HERE)}
    parent = subprocess.Popen([sys.executable, path, tmp_path], env=env, stderr=subprocess.PIPE)
    try:
        pids = [read_pid(tmp_path / f"pid{i}") for i in range(2)]
        assert all(map(alive, pids))
    finally:
        parent.kill()
        _, errors = parent.communicate()
    wait_until(lambda: not any(map(alive, pids)))
    assert errors == b""


def test_ctrl_c_is_the_parents_to_handle(code: ModuleType):
    """It reaches the whole process group, also workers that are still importing."""
    with processes(2, code, "square") as executor:
        for worker in executor._workers:
            os.kill(worker.process.pid or 0, signal.SIGINT)
        found = all_of(executor, [1, 2])
        for worker in executor._workers:
            os.kill(worker.process.pid or 0, signal.SIGINT)
        assert {pid for _, pid, _ in found.values()} == {w.process.pid for w in executor._workers}
        assert all_of(executor, [3])[3][0] == 9


def test_threads_are_divided():
    cores = threads_each(1)
    assert threads_each(2) == max(1, cores // 2)
    assert threads_each(10 * cores) == 1


def read_pid(path: Path) -> int:
    wait_until(lambda: path.exists() and path.read_text() != "")
    return int(path.read_text())


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits for its parent's notice does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_worker_loads_no_wandb(code: ModuleType):
    """Workers are killed, and wandb would leave two temporary folders of each."""
    with processes(1, code, partial(code.imported, models.build)) as executor:
        assert all_of(executor, [1]) == {1: ["timm"]}
