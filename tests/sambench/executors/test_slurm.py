"""Slurm: settings, what is written for sbatch, and jobs of a real slurmctld and slurmd."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sambench import executors
from sambench.errors import UserError
from sambench.executors import Detached, Limit, Work
from sambench.executors.testing import ExecutorConformance, jobs
from sambench.executors.testing.jobs import Job
from sambench.study import status
from tests.drills.slurm import drill
from tests.sambench.executors import slurm_jobs
from tests.sambench.executors.slurm_cluster import cluster, missing

pytest.importorskip("submitit", reason="needs submitit: pip install 'sambench[slurm]'")

from submitit.slurm import slurm as submitits

from sambench.executors import slurm_driver, slurm_queue
from sambench.executors.slurm import Slurm
from sambench.executors.slurm_job import Task
from sambench.executors.slurm_told import Told

pytestmark = pytest.mark.xdist_group("slurm")  # one cluster
ROOT = Path(__file__).parents[3]


def never(job: object, row: dict[str, float]) -> bool:
    return False


# --- without a cluster


@pytest.mark.parametrize(
    ("given", "minutes"),
    [
        (90, 90),
        ("90", 90),
        ("90:30", 91),
        ("4:00:00", 240),
        ("2-12", 3600),
        ("1-0:30", 1470),
        ("1-00:00:30", 1441),
    ],
)
def test_a_time_is_what_sbatch_takes(given: object, minutes: int):
    assert Slurm.model_validate({"time": given}).time == minutes


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('time = "soon"', 'time: must be minutes, or as "4:00:00" or "2-12", got \'soon\''),
        ("time = 0", 'time: must be minutes >= 1, or as "4:00:00", got 0'),
        ('partiton = "gpu"', "partiton: unknown key, did you mean partition or python?"),
        ("gpus_per_run = 0.5", "gpus_per_run: must be whole, got 0.5; to share one, see [sbatch]"),
        ('setup = "module load cuda"', "setup: must be a list, got 'module load cuda'"),
        ("workers = 0", "workers: must be >= 1, got 0"),
        ('sbatch = "--account=x"', "sbatch: must be a table, got '--account=x'"),
        ("[sbatch]\narray = 3", "sbatch.array: is the executor's own"),
        ("[sbatch]\ntime = 3", "sbatch.time: is the executor's own; write time, above [sbatch]"),
        (
            "[sbatch]\nA = 3",
            "sbatch: no option of sbatch, which are long ones such as account: 'A'",
        ),
        ("[sbatch]\nqos = [1]", "sbatch.qos: must be a string, a number, true or false, got [1]"),
    ],
)
def test_a_wrong_setting_is_told_in_a_line(tmp_path: Path, line: str, said: str):
    file = tmp_path / "on.toml"
    file.write_text(f'executor = "slurm"\n{line}\n')
    with pytest.raises(UserError) as raised:
        executors.chosen(file)
    assert str(raised.value).startswith(f"--on {file}: {said}")


def written(settings: dict[str, Any], *also: Any) -> str:
    own = Slurm.model_validate(settings).parameters("its-name", *(also or (4, "")))
    return submitits._make_sbatch_string(command="run", folder="/f", map_count=9, **own)


def test_what_sbatch_reads():
    text = written(
        {
            "time": "4:00:00",
            "partition": "gpu",
            "gpus_per_run": 2.0,
            "cpus_per_run": 3,
            "memory": "8G",
            "setup": ["module load cuda"],
            "sbatch": {"account": "me", "qos": "low", "nice": 10, "exclusive": True, "hold": False},
        }
    )
    options = set(re.findall(r"^#SBATCH --(.*)$", text, re.MULTILINE))
    assert options >= {
        "account=me", "array=0-8%4", "cpus-per-task=6", "exclusive", "gpus-per-node=2",
        "job-name=its-name", "mem=8G", "nice=10", "partition=gpu", "qos=low", "requeue", "time=240",
    }  # fmt: skip
    assert not any("hold" in option for option in options)
    setup, command = text.index("module load cuda"), text.index("\nsrun")
    assert setup < command and "--cpus-per-task=6 run" in text[command:]


def test_a_gres_of_the_sites_takes_the_place_of_whole_gpus():
    text = written({"gpus_per_run": 1.0, "sbatch": {"gres": "gpu:a100:1"}})
    assert "--gres=gpu:a100:1" in text and "gpus-per-node" not in text


def test_dependencies_of_the_users_and_of_the_cap_are_both_kept():
    text = written({"sbatch": {"dependency": "after:7"}}, 4, "afterany:8:9")
    assert "--dependency=after:7,afterany:8:9" in text


def opened(settings: Slurm, folder: Path, **options: Any) -> Any:
    work = Work(jobs.execute, jobs.prepare, jobs.lost, folder, **options)
    return settings.opened(work)


def test_a_package_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UserError, match=r"pip install 'sambench\[slurm\]'"):
        opened(Slurm(), tmp_path, eager=True)


def test_where_slurm_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"^--on slurm: sbatch is not here; start on a login node"):
        opened(Slurm(), tmp_path, eager=True)


def test_a_study_that_adapts_needs_a_number_of_workers(tmp_path: Path):
    with pytest.raises(UserError, match="workers: is required where a study's sampler adapts"):
        opened(Slurm(), tmp_path)


@pytest.mark.parametrize(
    ("on", "change", "said"),
    [
        ("local", {}, "runs of this executor end with the study; use --on slurm"),
        ("slurm", {"sampler": "gp"}, "the sampler of this study needs the results so far"),
    ],
)
def test_what_cannot_be_detached(spec: Any, run: Any, on: str, change: dict[str, str], said: str):
    spec["search"] |= change
    with pytest.raises(UserError, match=f"^--detach: {said}"):
        run(spec, on=on, workers=None, detach=True)


def test_epochs_and_answers_by_file(tmp_path: Path):
    job, driver = Told(tmp_path, "1_0"), Told(tmp_path, "1_0")
    assert driver.heard() == []
    assert [job.tell({"epoch": i}) for i in (1, 2)] == [1, 2]
    assert driver.heard() == [{"epoch": 1}, {"epoch": 2}] and driver.heard() == []
    driver.tell_answer(False)
    assert not job.answer(2)
    assert Told(tmp_path, "1_0").tell({"epoch": 3}) == 3  # requeued
    assert driver.heard() == [{"epoch": 3}]
    driver.tell_answer(True)
    assert job.answer(3)
    assert len(Told(tmp_path, "1_0").heard()) == 3  # of a driver that adopts it


def test_a_line_that_a_kill_has_torn_is_passed_over(tmp_path: Path):
    (tmp_path / "1_epochs.jsonl").write_text('{"epoch": 1}\n{"epo')
    driver = Told(tmp_path, "1")
    assert driver.heard() == [{"epoch": 1}]
    assert Told(tmp_path, "1").tell({"epoch": 2}) == 3
    assert driver.heard() == [{"epoch": 2}]
    driver.tell_answer(True)
    assert Told(tmp_path, "1").answer(3)


def test_a_job_that_nobody_answers_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sambench.executors.slurm_told.UNANSWERED_S", 0.3)
    assert not Told(tmp_path, "1").answer(1)


def test_a_run_whose_time_is_over_is_requeued_if_it_got_through_an_epoch():
    task = Task(b"", b"", 1, limit_s=60.0, began=time.time() - 55)
    with pytest.raises(BaseException, match="none of its epochs ended within 1 minutes") as raised:
        task.checkpoint()
    assert not isinstance(raised.value, Exception)  # no run takes it for its own
    task.told = 1
    assert task.checkpoint().function.told == 0
    early = Task(b"", b"", 1, limit_s=60.0, began=time.time() - 5)  # preempted
    assert early.checkpoint().function is not early


# --- with one

needs_slurm = pytest.mark.skipif(bool(missing()), reason=missing())
LARGEST = 3


@pytest.fixture(scope="module")
def python(warm_python: str) -> Iterator[str]:
    """A cluster, and how to start Python in its jobs: warm, as one job takes many seconds else."""
    with tempfile.TemporaryDirectory(prefix="slurm-") as name:
        folder = Path(name)
        (folder / "cluster").mkdir()
        with ExitStack() as stack:
            try:
                stack.enter_context(cluster(folder / "cluster", LARGEST))
            except (AssertionError, OSError, subprocess.SubprocessError) as error:
                pytest.skip(f"Slurm does not start here: {error}")
            yield warm_python


@pytest.fixture
def on(python: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Slurm]:
    """Its settings; the driver looks more often than it does at a cluster of other people's."""
    monkeypatch.chdir(ROOT)
    for name in ("POLL_S", "LOOK_S", "GRACE_S"):
        monkeypatch.setattr(slurm_driver, name, 0.5)
    return lambda **settings: Slurm(python=python, **settings)


@needs_slurm
@pytest.mark.slow
class TestSlurm(ExecutorConformance):
    executor: ClassVar[Slurm]
    outlive = True

    @pytest.fixture(autouse=True)
    def _on(self, on: Callable[..., Slurm]) -> None:
        type(self).executor = on(workers=2)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Job]:
    (tmp_path / "cache").mkdir()
    return lambda does, name: Job(does, name, tmp_path / name, tmp_path / "cache")


def arrays(folder: Path) -> list[list[str]]:
    """The jobs of each submission."""
    found = sorted(folder.glob("slurm/*/runs.json"), key=lambda path: int(path.parent.name))
    return [json.loads(path.read_text()) for path in found]


@needs_slurm
@pytest.mark.slow
def test_all_jobs_are_submitted_at_once_in_few_arrays_and_no_more_run_than_may(
    on: Any, make: Any, tmp_path: Path
):
    asked = [make(slurm_jobs.interval, f"job{i}") for i in range(5)]
    with opened(on(workers=1), tmp_path, eager=True, answers=False) as workers:
        spans = sorted(result for _, result in workers.run(asked, never))
    assert arrays(tmp_path) == [["job0", "job1", "job2"], ["job3", "job4"]]  # MaxArraySize is 3
    assert all(end < begin for (_, end), (begin, _) in pairwise(spans))


@needs_slurm
@pytest.mark.slow
@pytest.mark.parametrize("way", ["USR1", "scancel", "preemption", "time"])
def test_a_job_that_is_told_to_go_is_requeued_and_one_that_is_cancelled_submitted_anew(
    on: Any, make: Any, tmp_path: Path, way: str
):
    """Time is a minute, the shortest that Slurm knows, less the notice that jobs are given."""
    heard: list[float] = []

    def on_epoch(job: Job, row: dict[str, float]) -> bool:
        heard.append(row["epoch"])
        if row["epoch"] == 3 and 3 not in heard[:-1]:
            (job_id,) = (path.parent.name for path in tmp_path.glob("slurm/*/runs.json"))
            command = {
                "USR1": ["scancel", "--signal=USR1", job_id],
                "scancel": ["scancel", job_id],
                "preemption": ["sbatch", "--partition=urgent", "--cpus-per-task=2",
                               "--output=/dev/null", "--wrap=sleep 1"],
                "time": ["true"],
            }[way]  # fmt: skip
            subprocess.run(command, check=False, timeout=60)
            pids.append(row["pid"])
        if pids and row["pid"] != pids[0]:
            (tmp_path / "cache" / "go").touch()
        return False

    pids: list[float] = []
    settings = {"time": 1, "cpus_per_run": 2, "partition": "main"}
    with opened(on(**settings), tmp_path, eager=True, answers=False) as workers:
        ((_, result),) = workers.run([make(slurm_jobs.until_let, "job")], on_epoch)
    assert result > 3 and heard.count(1) == 1  # it went on from where it was
    assert arrays(tmp_path) == [["job"]] * (2 if way == "scancel" else 1)


@needs_slurm
@pytest.mark.slow
def test_a_job_that_is_given_up_names_its_state_and_its_log(on: Any, make: Any, tmp_path: Path):
    with opened(on(), tmp_path, eager=True, answers=False) as workers:
        ((_, said),) = workers.run([make(jobs.dies, "bad")], never)
    log = re.search(r"its worker died 3 times .*: FAILED on \S+ \(log: (.*)\)$", said)
    assert log is not None and Path(log[1]).is_file()


@needs_slurm
@pytest.mark.slow
def test_when_time_is_up_what_waits_is_given_back(on: Any, make: Any, tmp_path: Path):
    """The job that runs ends by itself; those behind it are cancelled, and have no result."""
    limit, told = Limit(time.time() + 6, lambda job: "late"), {}

    def on_place(job: Job, host: str) -> None:
        told[str(job)] = host

    def on_epoch(job: Job, row: dict[str, float]) -> bool:
        if limit.is_over:
            (tmp_path / "cache" / "go").touch()
        return False

    asked = [make(slurm_jobs.until_let, f"job{i}") for i in range(5)]
    with opened(on(workers=1), tmp_path, eager=True, answers=False, limit=limit) as workers:
        found = {str(job): result for job, result in workers.run(asked, on_epoch, on_place)}
    assert found.pop("job0") > 0 and found == {f"job{i}": "late" for i in range(1, 5)}
    assert told["job0"] == os.uname().nodename.partition(".")[0]


DRIVER = """
import sys
from pathlib import Path
from sambench.executors import Work
from sambench.executors.slurm import Slurm
from sambench.executors.testing import jobs
from tests.sambench.executors import slurm_jobs
folder = Path(sys.argv[1])
asked = [jobs.Job(slurm_jobs.until_let, f"job{i}", folder / f"job{i}", folder / "cache")
         for i in range(3)]
work = Work(jobs.execute, jobs.prepare, jobs.lost, folder, eager=True, answers=False)
with Slurm(python=sys.argv[2]).opened(work) as workers:
    list(workers.run(asked, lambda job, row: False))
"""


@contextmanager
def driven(folder: Path, python: str) -> Iterator[subprocess.Popen[str]]:
    script = folder / "driver.py"
    script.write_text(DRIVER)
    driver = subprocess.Popen(
        [python, script, folder, python],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield driver
    finally:
        driver.kill()
        driver.communicate()


def wait_for(condition: Callable[[], object], seconds: float = 600.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


@needs_slurm
@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_jobs_go_on_without_their_driver_and_the_next_one_adopts_them(
    on: Any, make: Any, python: str, tmp_path: Path, end: signal.Signals
):
    asked = [make(slurm_jobs.until_let, f"job{i}") for i in range(3)]  # two of which can run
    with driven(tmp_path, python) as driver:
        wait_for(lambda: all((tmp_path / f"job{i}" / "progress").exists() for i in range(2)))
        driver.send_signal(end)
        _, said = driver.communicate(timeout=60)
    if end == signal.SIGINT:
        name = slurm_queue.name_of(tmp_path)
        assert "sambench: 3 runs are in Slurm's queue (jobs " in said
        assert (
            f"the same command goes on with what they find, scancel --name={name} ends them" in said
        )
    heard: set[str] = set()

    def on_epoch(job: Job, row: dict[str, float]) -> bool:
        heard.add(job.name)
        if len(heard) == 2:
            (tmp_path / "cache" / "go").touch()
        return False

    with opened(on(), tmp_path, eager=True, answers=False) as workers:
        found = {job.name for job, _ in workers.run(asked, on_epoch)}
    assert found == {"job0", "job1", "job2"}
    assert arrays(tmp_path) == [["job0", "job1", "job2"]]


@needs_slurm
@pytest.mark.slow
def test_jobs_of_a_driver_that_died_while_it_submitted_them_are_cancelled(
    on: Any, make: Any, tmp_path: Path
):
    asked = [make(slurm_jobs.sleeps, "job0"), make(slurm_jobs.sleeps, "job1")]
    settings = on()
    with opened(settings, tmp_path, eager=True, detach=True) as workers:
        with pytest.raises(Detached, match=r"^2 runs are in Slurm's queue"):
            list(workers.run(asked, never))
    (note,) = tmp_path.glob("slurm/*/runs.json")
    note.unlink()
    with opened(settings, tmp_path, eager=True) as workers:
        assert list(workers.run([], never)) == []
    name = slurm_queue.name_of(tmp_path)
    wait_for(lambda: all(state.ended for state in slurm_queue.jobs(name).values()))


@needs_slurm
@pytest.mark.slow
def test_what_sbatch_refuses_is_told_in_its_words(on: Any, make: Any, tmp_path: Path):
    with opened(on(partition="gpu"), tmp_path, eager=True) as workers:
        with pytest.raises(UserError) as raised:
            list(workers.run([make(jobs.square, "job")], never))
    said = "--on slurm: sbatch refuses the jobs: invalid partition specified: gpu"
    assert str(raised.value).startswith(said)


@needs_slurm
@pytest.mark.slow
def test_no_controller_that_answers(on: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "none.conf"))
    monkeypatch.setattr(slurm_queue, "PATIENCE_S", 2.0)
    with pytest.raises(UserError, match=r"^--on slurm: no Slurm answers here: "):
        opened(on(), tmp_path, eager=True)


@needs_slurm
@pytest.mark.slow
def test_a_study_is_left_to_the_queue_and_collected_stage_by_stage(
    on: Any, spec: Any, run: Any, recorded: Any, tmp_path: Path
):
    """Its pool, its reruns, its settings; the records are those of a study on this machine."""
    name, left = slurm_queue.name_of(tmp_path / "runs" / "tiny"), []
    while True:
        try:
            run(spec, on=on(), workers=None, detach=True)
            break
        except Detached as detached:
            left.append(str(detached).partition(" runs")[0])
            told = status.status(tmp_path / "runs" / "tiny", tmp_path / "runs")
            assert (told.state, len(told.workers) + told.queued) == ("detached", int(left[-1]))
            assert told.reason == "its runs were left to the queue"
        wait_for(lambda: all(state.ended for state in slurm_queue.jobs(name).values()))
    assert left == ["3", "12", "2"]
    run(spec, root=tmp_path / "here")
    assert recorded(tmp_path / "runs" / "tiny") == recorded(tmp_path / "here" / "tiny")


@needs_slurm
@pytest.mark.slow
def test_nodes_that_do_not_see_the_studys_folder(tmp_path: Path, make: Any):
    hides = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs none {tmp_path} && exec "$@"', "sh"]
    if subprocess.run([*hides, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no file system can be hidden from a process here: unshare -m, mount")
    with tempfile.TemporaryDirectory(prefix="slurm-") as name:
        with cluster(Path(name), slurmd=hides), opened(Slurm(), tmp_path, eager=True) as workers:
            with pytest.raises(UserError) as raised:
                list(workers.run([make(jobs.square, "job")], never))
    host = os.uname().nodename.partition(".")[0]
    said = rf"^--on slurm: job 1 ended, \w+ on {host}, without a trace in {tmp_path}/slurm/1: the "
    assert re.match(said, str(raised.value))


@needs_slurm
@pytest.mark.slow
def test_a_short_drill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Three jobs and the driver killed; the long drill is `python -m tests.drills.slurm`."""
    monkeypatch.chdir(ROOT)
    found = drill(tmp_path, seeds=4, ways=("kill", "requeue", "scancel"))
    assert found.runs == 8 and found.kills >= 1  # a job may end before it is killed
    assert (found.lost, found.stuck, found.different) == (0, 0, 0)
    assert found.doubled <= 1  # cancelled as it ended, it is submitted again, and finds its result
