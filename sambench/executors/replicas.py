"""One run by several processes of this machine, which torchrun starts, each with a part of a batch.

They are told by pipes whether to stop, and end with whoever started them. What they train comes in
a pickle that this process writes for them, into a folder of its own.
"""

import json
import os
import pickle
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from multiprocessing import spawn
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import torch

from sambench import plugins
from sambench.errors import UserError, WorkFailed, concerns_all, kind_and_words
from sambench.executors.local import main_is_guarded, threads_each
from sambench.files import write_atomically
from sambench.training import PAUSED, NoMemory, Outcome, Report, processes, read_outcome

if TYPE_CHECKING:
    from sambench.executors.assignment import Assignment

ATTEMPTS = 3  # how often in a row they are started and die without having got further
PATIENCE_S = 10.0  # with processes that have been told to end
OURS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""Variables of torchrun, which are not to be those of another one."""
REPLICA = (
    "from sambench.executors import leash; leash.start(); "
    "import sambench.executors.warm; from sambench.executors.replicas import main; main()"
)
JOB, STDERR = "job", "stderr"
TAIL = 20_000  # characters of what processes wrote that died
LINE = "sambench\t"
"""Begins what the first process tells; other lines are somebody's prints."""


class ReplicasFailed(Exception):
    """One of them failed.

    trace: its traceback
    fewer: images at once with which they can go on
    """

    def __init__(self, reason: str, trace: str, fewer: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.trace = trace
        self.fewer = fewer


class _Died(Exception):
    """All of them ended, and none said why; what they wrote last."""


def train_together(assignment: "Assignment", report: Report) -> Outcome:
    """Trains the run by as many processes as it asks for, or goes on with it.

    If one of them is killed all end, and they go on together from the checkpoint. Out of device
    memory, they do so with smaller parts of their batches, see `sambench.training.memory`.

    ReplicasFailed for what one of them raises, and where they die too often; UserError where the
    machine has too few GPUs, and for what other processes cannot import.
    """
    _check(assignment)
    at_once, attempt, reached = None, 1, 0.0

    def watched(row: dict[str, float]) -> bool:
        nonlocal attempt, reached
        if row["epoch"] > reached:
            attempt, reached = 1, row["epoch"]
        return report(row)

    while True:
        try:
            return _together(assignment, at_once, watched)
        except ReplicasFailed as failed:
            if not failed.fewer:
                raise
            at_once = failed.fewer
        except _Died as died:
            if attempt == ATTEMPTS:
                reason = f"its {assignment.processes} processes died {ATTEMPTS} times in a row"
                told = f"{reason}; if memory ran out, try fewer workers"
                raise ReplicasFailed(told, f"{told}\n{died}") from None
            attempt += 1


def _check(assignment: "Assignment") -> None:
    num = assignment.processes
    if assignment.run.device == "cuda" and num > (here := torch.cuda.device_count()):
        raise UserError(f"gpus_per_run: {num} GPUs for each run, but there are {here} here")
    if assignment.custom.training is not None:
        raise UserError("gpus_per_run: a training of your own runs in one process; leave it at 1")


def _together(assignment: "Assignment", at_once: int | None, report: Report) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="sambench-") as name:
        folder = Path(name)
        _hand_over(folder / JOB, assignment, at_once)
        with _started(folder, assignment.processes, assignment.run.device) as process:
            outcome = _listen(process, report)
        if outcome is None:
            _raise(folder)
    if outcome == PAUSED:
        return Outcome(PAUSED)
    found = read_outcome(assignment.run, assignment.folder)
    assert found is not None
    return found


def _hand_over(file: Path, assignment: "Assignment", at_once: int | None) -> None:
    """Writes what `main` reads; UserError if others could not make sense of it."""
    known = spawn.get_preparation_data("Replica")
    kept = {"sys_path", "sys_argv", "orig_dir", "dir"}
    kept |= {"init_main_from_name", "init_main_from_path"} if main_is_guarded() else set()
    own = plugins.known({assignment.run.key, assignment.run.study.task.kind})
    try:
        content = pickle.dumps(assignment)
    except Exception:  # whatever an object of the caller's raises
        content = b""
    if not content or (b"__main__" in content and not main_is_guarded()):
        raise UserError(
            "gpus_per_run: your model, data or loss cannot be imported by other processes; define "
            'it in a module, or work under if __name__ == "__main__"'
        )
    with file.open("wb") as out:
        pickle.dump({key: value for key, value in known.items() if key in kept}, out)
        pickle.dump((own, at_once), out)
        out.write(content)


@contextmanager
def _started(folder: Path, num: int, device: str) -> Iterator[subprocess.Popen[str]]:
    """They end with the block, as they do with this process: with their standard input."""
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(num))
    replica = ("--no-python", sys.executable, "-c", REPLICA, str(folder))
    with (folder / STDERR).open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, *torchrun, *replica],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True,
            env=_environment(num, device), start_new_session=True,
        )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    try:
        yield process
    finally:
        with suppress(OSError):
            process.stdin.close()
        process.stdout.close()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(num: int, device: str) -> dict[str, str]:
    """Of torchrun: this process's, with its share of threads and, on cuda, its own GPUs."""
    found = {name: value for name, value in os.environ.items() if name not in OURS}
    source = str(Path(__file__).parents[2])
    found["PYTHONPATH"] = os.pathsep.join(filter(None, [source, found.get("PYTHONPATH")]))
    found["OMP_NUM_THREADS"] = str(min(torch.get_num_threads(), threads_each(num)))
    if device == "cuda":
        here, first = torch.cuda.device_count(), torch.cuda.current_device()
        seen = (found.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(here)))).split(",")
        found["CUDA_VISIBLE_DEVICES"] = ",".join(seen[(first + i) % here] for i in range(num))
    return found


def _listen(process: subprocess.Popen[str], report: Report) -> str | None:
    """Answers epochs until the first process tells the outcome; None if all end without."""
    assert process.stdin is not None and process.stdout is not None
    for line in process.stdout:
        if not line.startswith(LINE):
            continue
        told = json.loads(line.removeprefix(LINE))
        if "outcome" in told:
            return told["outcome"]
        answer = report(told)
        with suppress(BrokenPipeError):  # they have died, and their output will end
            process.stdin.write(f"{json.dumps(answer)}\n")
            process.stdin.flush()
    return None


def _raise(folder: Path) -> None:
    """What one of them raised, first of all what is not the loss of another."""
    for path in sorted(folder.glob("error.*")):
        told = json.loads(path.read_text())
        match told["kind"]:
            case "user":
                raise UserError(told["reason"])
            case "machine":
                raise OSError(told["errno"], os.strerror(told["errno"]), told["file"])
            case "failed":
                raise ReplicasFailed(told["reason"], told["trace"], told["fewer"])
    raise _Died((folder / STDERR).read_text(errors="replace")[-TAIL:])


# --- in each of the processes


def main() -> None:
    """Trains this process's part of the run that lies in a folder."""
    folder, tells = Path(sys.argv[1]), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what anybody prints is no message of ours
    try:
        outcome = _trained(folder, tells)
    except (Exception, SystemExit) as error:
        told = _told(error)
        write_atomically(folder / f"error.{os.environ['RANK']}", json.dumps(told))
        raise
    if os.environ["RANK"] == "0":
        _tell(tells, {"outcome": outcome.outcome})


def _trained(folder: Path, tells: TextIO) -> Outcome:
    with (folder / JOB).open("rb") as file:
        spawn.prepare(pickle.load(file))
        own, at_once = pickle.load(file)
        plugins.load_modules(own)
        job: Assignment = pickle.load(file)

    def report(row: dict[str, float]) -> bool:
        _tell(tells, row)
        if not (answer := sys.stdin.readline()):
            os._exit(1)
        return json.loads(answer)

    from sambench.executors.assignment import trained

    with ExitStack() as stack:
        try:
            world = stack.enter_context(processes.joined())
        except UserError as error:  # they did not meet: nothing of the user's
            raise WorkFailed(str(error)) from None
        run = replace(job.run, device=processes.own_device(job.run.device))
        return trained(replace(job, run=run), report, world, at_once)


def _tell(tells: TextIO, content: dict[str, Any]) -> None:
    tells.write(f"{LINE}{json.dumps(content)}\n")
    tells.flush()


def _told(error: BaseException) -> dict[str, Any]:
    """What the parent has to know of it."""
    trace = traceback.format_exc()
    match error:
        case NoMemory():
            told = {"kind": "failed", "fewer": error.fewer}
            return {**told, "reason": error.remedy, "trace": error.trace}
        case UserError():
            return {"kind": "user", "reason": str(error)}
        case WorkFailed():
            return {"kind": "lost"}
        case OSError() if concerns_all(error):
            return {"kind": "machine", "errno": error.errno, "file": error.filename}
    return {"kind": "failed", "reason": kind_and_words(error), "trace": trace, "fewer": 0}
