"""Cores, memory, and the disk that studies are kept on."""

import os
import shutil
import tempfile
from pathlib import Path

from sambench.doctor import programs
from sambench.doctor.check import Asked, Finding, ok, problem, warning

GIB = 2**30
LITTLE_MEMORY = 4 * GIB
LITTLE_DISK = 5 * GIB
NO_DISK = GIB // 4
BUSY = 0.75  # share of the cores
LOCK_S = 20.0
CGROUP = Path("/sys/fs/cgroup")
TRY = """
import sys, filelock
try:
    filelock.FileLock(sys.argv[1]).acquire(blocking=False)
    print("taken")
except filelock.Timeout:
    print("refused")
"""


def cores(asked: Asked) -> Finding:
    num = _cores()
    threads = os.environ.get("OMP_NUM_THREADS", "")
    words = f"{num}, OMP_NUM_THREADS {threads or 'not set'}"
    quota = _quota()
    if quota is not None and quota < num:
        return warning(
            f"{words}; the container may use {quota:g} of them at a time",
            f"--workers {max(1, int(quota))}, and: export OMP_NUM_THREADS=1",
        )
    if threads.isdigit() and int(threads) > num:
        return warning(
            f"{words}: more threads than cores wait for each other, spinning",
            f"export OMP_NUM_THREADS={num}",
        )
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > BUSY * num and threads != "1":
        return warning(
            f"{words}; others keep {load:.1f} cores busy: threads that wait for them spin",
            "export OMP_NUM_THREADS=1",
        )
    return ok(words)


def memory(asked: Asked) -> Finding:
    free, total = _memory()
    if total is None or free is None:
        return ok("not told by this system")
    words = f"{free / GIB:.1f} of {total / GIB:.1f} GiB free"
    if free < LITTLE_MEMORY:
        return warning(f"{words}; a worker takes 1 to 2", "fewer --workers, or end other programs")
    return ok(words)


def disk(asked: Asked) -> Finding:
    place = _there(asked.root)
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return problem(f"{place} cannot be written to", "--root with a folder of your own")
    usage = shutil.disk_usage(place)
    words = f"{usage.free / GIB:.1f} of {usage.total / GIB:.1f} GiB free at {place}"
    remedy = "free some, or --root with a folder on another disk"
    if usage.free < NO_DISK:
        return problem(words, remedy)
    return warning(words, remedy) if usage.free < LITTLE_DISK else ok(words)


def locks(asked: Asked) -> Finding:
    """Whether a lock keeps another process out: it is what makes a study have one driver."""
    import filelock

    place = _there(asked.root)
    elsewhere = "--root with a folder on a file system that does, such as a local disk or NFSv4"
    try:
        with tempfile.TemporaryDirectory(dir=place, prefix=".doctor-") as folder:
            path = Path(folder) / "lock"
            with filelock.FileLock(path, blocking=False):
                answer = programs.python(TRY, str(path), within_s=LOCK_S)
    except (OSError, NotImplementedError) as error:
        return problem(f"{place} gives no locks: {error}", elsewhere)
    match answer.out.strip():
        case "refused":
            return ok(f"{place} locks")
        case "taken":
            line = f"{place} gives one lock to two processes: both would drive a study"
            return problem(line, elsewhere)
    why = programs.last_line(answer.err) or "no answer"
    return problem(f"{place}: a second process could not ask for the lock: {why}", elsewhere)


def _there(root: Path) -> Path:
    """The root, or the folder in which it will be made."""
    path = Path(os.path.abspath(root))
    return next(place for place in (path, *path.parents) if place.exists())


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota() -> float | None:
    """Cores that a container may use at a time."""
    try:
        used, period = (CGROUP / "cpu.max").read_text().split()
        return int(used) / int(period)
    except (OSError, ValueError):
        return None


def _memory() -> tuple[int | None, int | None]:
    """Free and total bytes, of the container where it has a limit."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        told = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        free, total = told["MemAvailable"], told["MemTotal"]
    except (OSError, ValueError, LookupError):
        return None, None
    try:
        limit = int((CGROUP / "memory.max").read_text())
        used = int((CGROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return free, total
    return min(free, max(0, limit - used)), min(total, limit)
