"""Runs one case of the fuzzer, and says which promises of the command line it breaks.

A case runs `sambench.cli.main` in a fork of a process that has everything imported: milliseconds
instead of the seconds that imports take, and whatever it does to memory, signals, caches or the
environment ends with it. It has a folder of its own: `work` (where it runs), `home` and `tmp`.
"""

import atexit
import errno
import faulthandler
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LONGEST = 400  # characters of a message
CPU_S, WALL_S = 20, 60  # most seconds that an answer may take, on a slow and busy machine
GRACE_S = 20  # seconds to end after SIGTERM
MEMORY = 6 * 2**30  # bytes
CODES = (0, 1, 2, 130)
FOLDERS = ("HOME", "TMPDIR", "WANDB_DIR", "XDG_CACHE_HOME", "TORCH_HOME")
ESCAPED, HUNG = 99, 98

Make = Callable[[Path], None]
"""Puts at a path what is no ordinary file."""


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str
    cpu_s: float
    wall_s: float
    work: Path
    outside: str = ""
    """what it wrote outside its folder, a line each"""

    @property
    def told(self) -> str:
        """How it ended, for counts."""
        names = {0: "accepted", 1: "work failed", 2: "refused", 130: "cut short"}
        return names.get(self.code, "broke")


Check = Callable[[Result], str]


def nothing_more(result: Result) -> str:
    return ""


@dataclass(frozen=True)
class Case:
    """A command line and the files it meets."""

    what: str
    """what is wrong with it"""
    words: tuple[str, ...]
    files: Mapping[str, bytes | Make] = field(default_factory=dict)
    """by path below `work`; written after the trees are copied"""
    trees: Mapping[str, Path] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    writes: tuple[str, ...] = ()
    """patterns of paths below `work` that may change"""
    roams: bool = False
    """whether its words may name other places to write to"""
    lines: int = 1
    """how many lines a refusal may have"""
    cut_s: float | None = None
    """a command that may rightly train for ever is interrupted after so many seconds"""
    check: Check = nothing_more
    """what else is wrong with its result; "" if nothing is"""


def run(case: Case, folder: Path, *, forked: bool = True) -> tuple[Result, list[str]]:
    """Runs a case in a new folder; the result, and every promise that it broke."""
    shutil.rmtree(folder, ignore_errors=True)
    lay(case, folder)
    before = _snapshot(folder)
    result = (_forked if forked else _spawned)(case, folder)
    return result, _broken(case, result, before, _snapshot(folder))


def lay(case: Case, folder: Path) -> None:
    """Makes the folder as the command is to meet it."""
    for name in ("work", "home", "tmp"):
        (folder / name).mkdir(parents=True)
    for name, tree in case.trees.items():
        shutil.copytree(tree, folder / "work" / name, symlinks=True, dirs_exist_ok=True)
    for name, content in case.files.items():
        path = folder / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            remove(path)
            content(path)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def empty_folder(path: Path) -> None:
    path.mkdir()


def absent(path: Path) -> None:
    """Nothing where something was."""


SPECIAL: list[Make] = [fifo, dangling, loop, empty_folder, absent]


def environment(case: Case, folder: Path) -> dict[str, str]:
    """Of a machine without GPU, network, login, or settings of its own."""
    nobody = "http://127.0.0.1:9"
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "WANDB_MODE": "disabled",
        "WANDB_SILENT": "true",
        "WANDB_ERROR_REPORTING": "false",
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), nobody),
        "NO_PROXY": "127.0.0.1",
        **case.environment,
    }


def _broken(case: Case, result: Result, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Every promise that was not kept, a line each."""
    found, folder = [], result.work.parent
    if result.code not in CODES:
        last = (result.err.strip() or "nothing said").splitlines()[-1]
        found.append(f"exit code {result.code}: {last[:300]}")
    elif "Traceback (most recent call last)" in result.err:
        found.append("a traceback on standard error")
    elif result.code:
        found += _said(case, result.err, result.out)
    if result.code == 130 and case.cut_s is None:
        found.append("it says that it was interrupted, and was not")
    if result.cpu_s > CPU_S + (case.cut_s or 0):
        found.append(f"it took {result.cpu_s:.0f} seconds")
    asked = _asked(case, result.work) if case.roams else ()
    if strays := [line for line in result.outside.splitlines() if not line.startswith(asked)]:
        found.append(f"it reached outside its folder: {strays[0]}")
    found += _changed(case, before, after, tuple(a.removeprefix(f"{folder}/") for a in asked))
    if result.code in CODES and (more := case.check(result)):
        found.append(more)
    return found


def _said(case: Case, err: str, out: str) -> list[str]:
    """What is wrong with the words of a command that did not succeed."""
    lines = err.lstrip("\n").splitlines()  # click begins a new line after ^C
    if not lines:
        return [] if out else ["not a word on why it failed"]
    found = []
    if len(lines) > case.lines:
        found.append(f"{len(lines)} lines on standard error, the first: {lines[0][:200]}")
    if strange := [line for line in lines if not line.startswith("sambench: ")]:
        found.append(f"not a line of ours on standard error: {strange[0][:200]}")
    if long := [line for line in lines if len(line.removeprefix("sambench: ")) > LONGEST]:
        found.append(f"a line of {len(long[0])} characters: {long[0][:200]}...")
    if any(unicodedata.category(letter) == "Cc" for line in lines for letter in line):
        found.append(f"control characters on standard error: {err[:200]!r}")
    return found


def _asked(case: Case, work: Path) -> tuple[str, ...]:
    """Places that the command line itself names, to which it may write."""
    known = [case.environment.get(name, "") for name in FOLDERS]
    words = [word.rpartition("=")[2] for word in case.words]
    return tuple(os.path.abspath(work / word) for word in (*words, *known) if word.strip("."))


def _changed(
    case: Case, before: dict[str, Any], after: dict[str, Any], asked: tuple[str, ...]
) -> list[str]:
    """Files of the user's that changed, and new ones where nobody expects them."""
    found = []
    for path in sorted({*before, *after}):
        if before.get(path) == after.get(path) or _may_change(case, path):
            continue
        if path in before or not path.startswith(asked):
            kind = "left behind" if path not in before else "changed"
            found.append(f"{kind if path in after else 'removed'}: {path}")
    return found[:3]


def _may_change(case: Case, path: str) -> bool:
    place, _, rest = path.partition("/")
    own = place == "home" and rest.startswith((".cache", ".config", ".local"))
    return own or (place == "work" and any(fnmatch(rest, each) for each in case.writes))


def _snapshot(folder: Path) -> dict[str, Any]:
    """What every path below holds. Folders do not count, links are not followed."""
    found: dict[str, Any] = {}
    for parent, folders, names in os.walk(folder):
        for name in (*names, *folders):
            path = Path(parent, name)
            place = str(path.relative_to(folder))
            if path.is_symlink():
                found[place] = os.readlink(path)
            elif path.is_file():
                found[place] = path.read_bytes()
            elif not path.is_dir():
                found[place] = "special"
    return {k: v for k, v in found.items() if k not in ("out", "err", "outside")}


def _forked(case: Case, folder: Path) -> Result:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.fuzz.warm"])
    limit = WALL_S if case.cut_s is None else case.cut_s
    known = environment(case, folder)
    for name in ("out", "err", "outside"):
        (folder / name).touch()
    process = context.Process(target=_child, args=(case.words, folder, known, case.cut_s is None))
    start = time.monotonic()
    process.start()
    process.join(limit)
    code = _ended(process, case)
    wall_s = time.monotonic() - start
    out, err, outside = (
        (folder / n).read_text(errors="replace") for n in ("out", "err", "outside")
    )
    marked, _, cpu = outside.rpartition("cpu ")
    return Result(code, out, err, float(cpu or 0), wall_s, folder / "work", marked)


def _ended(process: Any, case: Case) -> int:
    """The exit code of a process that had its time; whatever is left of its group is killed."""
    pid = process.pid
    if process.is_alive() and case.cut_s is not None:
        os.kill(pid, signal.SIGTERM)
        process.join(GRACE_S)
    hung = process.is_alive()
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    process.join()
    return HUNG if hung else process.exitcode


def _child(words: tuple[str, ...], folder: Path, known: dict[str, str], limited: bool) -> None:
    """Becomes the command: its files, its environment, its limits."""
    atexit._clear()  # what the parent's imports will do at its own end
    os.setsid()
    if hasattr(os, "sched_setaffinity"):  # to one core: one thread, which waits for no other
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[os.getpid() % len(cores)]})
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_APPEND), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    outside = os.open(folder / "outside", os.O_WRONLY | os.O_APPEND)
    os.environ.clear()
    os.environ.update(known)
    os.chdir(folder / "work")
    tempfile.tempdir = None
    sys.argv = ["sambench", *words]
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limited:
        faulthandler.dump_traceback_later(WALL_S - 2, file=2)
    sys.addaudithook(_watch(folder, outside))
    code = _main()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    os.write(outside, f"cpu {sum(u.ru_utime + u.ru_stime for u in used)}".encode())
    os._exit(code)


def _main() -> int:
    from sambench.cli import main

    try:
        main()
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0 if done.code is None else 1
    except BaseException:
        traceback.print_exc()
        return ESCAPED


def _watch(folder: Path, outside: int) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that notes and forbids what would be written or removed outside the folder."""
    allowed = (f"{folder}/", "/dev/", "/proc/")
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
    undoing = ("os.remove", "os.rmdir", "os.truncate", "os.chmod")
    changing: dict[str, int] = dict.fromkeys((*undoing, "os.mkdir"), 1)
    changing |= dict.fromkeys(("os.rename", "os.link", "os.symlink"), 2)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & writing:
            touched = arguments[:1]
        else:
            touched = arguments[: changing.get(event, 0)]
        for path in touched:
            if isinstance(path, str | bytes | os.PathLike):
                place = os.path.abspath(os.fsdecode(path))
                there = os.path.lexists(place)
                fails = there if event == "os.mkdir" else not there and event in undoing
                if not (fails or place.startswith(allowed)):
                    os.write(outside, f"{place}\n".encode(errors="replace"))
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), place)

    return watch


def _spawned(case: Case, folder: Path) -> Result:
    """The same as a program of its own, as a user would call it."""
    start = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        [sys.executable, "-m", "sambench", *case.words],
        cwd=folder / "work",
        env=environment(case, folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=case.cut_s or WALL_S)
        code = process.returncode
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        code, out, err = _grace(process, case)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said, told = (text.decode(errors="replace") for text in (out, err))
    return Result(code, said, told, cpu_s, time.monotonic() - start, folder / "work")


def _grace(process: subprocess.Popen[bytes], case: Case) -> tuple[int, bytes, bytes]:
    try:
        out, err = process.communicate(timeout=GRACE_S)
        return (HUNG if case.cut_s is None else process.returncode), out, err
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return HUNG, *process.communicate()
