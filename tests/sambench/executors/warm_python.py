"""A Python that has imported torch already: for tests of many short jobs, each its own process.

`python warm_python.py SOCKET` behaves as `python` does with `-u -m MODULE ARGUMENTS`, in a process
that a server forks. Either end of the two dies with the other, and signals are passed on.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PASSED_ON = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT)
LARGEST = 1 << 20


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """While a server runs: the command that stands for `python`."""
    path = folder / "python.socket"
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{os.environ.get('PYTHONPATH', '')}"}
    words = [sys.executable, __file__, "serve", str(path)]
    server = subprocess.Popen(words, env=environment)
    try:
        end = time.monotonic() + 300
        while not path.exists():
            assert server.poll() is None and time.monotonic() < end, "the server does not start"
            time.sleep(0.1)
        yield f"{sys.executable} -S -E {__file__} {path}"
    finally:
        server.kill()
        server.wait()


def _serve(path: str) -> None:
    import submitit  # noqa: F401

    from sambench.executors import warm  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
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


def _work(connection: socket.socket) -> None:
    """In the forked process: the client's files, environment, folder and arguments."""
    import runpy

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, files, _, _ = socket.recv_fds(connection, LARGEST, 3)
    while not message.endswith(b"\n"):
        message += connection.recv(LARGEST)
    asked = json.loads(message)
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["cwd"])
    own = os.environ.get("PYTHONPATH", "").split(":")
    sys.path[:0] = [asked["cwd"], *filter(None, own)]
    sys.argv = asked["words"][2:]  # "-u", "-m"
    threading.Thread(target=_hear, args=(connection,), daemon=True).start()
    code: Any = 0
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(bytes([int(code) & 255]))
    os._exit(0)


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
