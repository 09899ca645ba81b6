"""A Python that has imported torch and the suite already, for tests of commands.

A real process of `python -m sambench ...` imports for six seconds of a core, before anything else.
`python warm_python.py SOCKET WORDS` behaves as `python WORDS` does, for a module, a script or a
program (-m, -c), in a process that a server forks. Either end of the two dies with the other, and
signals are passed on.
"""

import atexit
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

IMPORTED = (
    "optuna",
    "sambench.cli.app",
    "sambench.executors.warm",
    "sambench.render.terminal.leaderboard",
    "sambench.study.estimate",
    "sambench.study.run",
    "sambench.sweeps.agent_trial",
    "sambench.sweeps.local",
    "sklearn.datasets",
    "submitit",
    "torch.distributed.run",
)
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT)
LARGEST = 1 << 20


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """While a server runs: the path of a program that stands for `python`."""
    path, program = folder / "python.socket", folder / "python"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {__file__} {path} "$@"\n')
    program.chmod(0o755)
    root = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{os.environ.get('PYTHONPATH', '')}"}
    server = subprocess.Popen([sys.executable, __file__, "serve", str(path)], env=environment)
    try:
        end = time.monotonic() + 300
        while not path.exists():
            assert server.poll() is None and time.monotonic() < end, "the server does not start"
            time.sleep(0.1)
        yield str(program)
    finally:
        server.kill()
        server.wait()


def _serve(path: str) -> None:
    for name in IMPORTED:
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)
    signal.signal(signal.SIGCHLD, _reap)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path + ".new")
    listener.listen(64)
    os.rename(path + ".new", path)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _work(connection)
        connection.close()


def _reap(*_: object) -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _work(connection: socket.socket) -> None:
    """In the forked process: the client's files, environment, folder and arguments."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, files, _, _ = socket.recv_fds(connection, LARGEST, 3)
    while not message.endswith(b"\n"):
        message += connection.recv(LARGEST)
    asked = json.loads(message)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdin, sys.stdout, sys.stderr = (
        open(0),
        open(1, "w", buffering=1),
        open(2, "w", buffering=1),
    )
    os.environ.clear()
    os.environ.update(asked["environment"])
    if threads := os.environ.get("OMP_NUM_THREADS"):  # which torch, imported before, did not see
        sys.modules["torch"].set_num_threads(int(threads))
    os.chdir(asked["cwd"])
    own = os.environ.get("PYTHONPATH", "").split(":")
    sys.path[:0] = [asked["cwd"], *filter(None, own)]
    threading.Thread(target=_hear, args=(connection,), daemon=True).start()
    code: Any = 0
    try:
        _run(asked["words"])
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    if isinstance(code, str):
        os.write(2, f"{code}\n".encode())
        code = 1
    connection.sendall(bytes([int(code) & 255]))
    os._exit(0)


def _run(words: list[str]) -> None:
    """As Python would, options such as -u and -B apart."""
    while words[0] not in ("-c", "-m") and words[0].startswith("-"):
        words = words[1:]
    match words:
        case ["-m", module, *rest]:
            sys.argv = [module, *rest]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["-c", program, *rest]:
            sys.argv = ["-c", *rest]
            exec(compile(program, "<string>", "exec"), sys.modules["__main__"].__dict__)
        case [script, *rest]:
            sys.argv = [script, *rest]
            sys.path.insert(0, str(Path(script).parent))
            runpy.run_path(script, run_name="__main__")


def _hear(connection: socket.socket) -> None:
    while number := connection.recv(1):
        os.kill(os.getpid(), number[0])
    os.kill(os.getpid(), signal.SIGKILL)


def _ask(path: str, words: list[str]) -> int:
    """The client's side, in place of Python itself."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    for each in PASSED_ON:
        signal.signal(each, lambda number, frame: connection.send(bytes([number])))
    asked = {"words": words, "cwd": os.getcwd(), "environment": dict(os.environ)}
    content = json.dumps(asked).encode() + b"\n"
    sent = socket.send_fds(connection, [content], [0, 1, 2])
    connection.sendall(content[sent:])
    code = connection.recv(1)
    if not code:
        os.kill(os.getpid(), signal.SIGKILL)
    return code[0]


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        _serve(sys.argv[2])
    sys.exit(_ask(sys.argv[1], sys.argv[2:]))
