"""Local worker processes: shared work, dead workers, and a parent that dies."""

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import forkserver
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sambench.executors import Local, Work, begin_server, threads_each
from sambench.executors.testing import ExecutorConformance, is_alive
from sambench.tasks.images import models

HERE = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def code(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Jobs that a worker process can import, too."""
    monkeypatch.syspath_prepend(str(HERE))
    return importlib.import_module("custom_code")


class TestLocal(ExecutorConformance):
    executor = Local(workers=2)


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
        assert all(map(is_alive, pids))
    finally:
        parent.kill()
        _, errors = parent.communicate()
    wait_until(lambda: not any(map(is_alive, pids)))
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


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_worker_loads_no_wandb(code: ModuleType):
    """Workers are killed, and wandb would leave two temporary folders of each."""
    forkserver._forkserver._stop()  # another test's may have imported more
    with processes(1, code, partial(code.imported, models.build)) as executor:
        assert all_of(executor, [1]) == {1: ["timm"]}


def test_the_server_may_begin_before_its_workers_are_asked_for(code: ModuleType):
    """And there is one of it."""
    begin_server()
    server = forkserver._forkserver._forkserver_pid
    begin_server()
    with processes(1, code, "parent") as executor:
        assert all_of(executor, [1]) == {1: server}
    assert forkserver._forkserver._forkserver_pid == server is not None
