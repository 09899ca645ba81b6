"""A Ray cluster of nodes on loopback, ended by the ids of its processes."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

os.environ["RAY_AUTH_MODE"] = "disabled"  # else it would leave a token in the home folder

import ray

ROOT = Path(__file__).parents[2]
HEAD, OTHER = "127.0.0.2", "127.0.0.3"  # 127.0.0.1 is replaced by the host's own address
PATIENCE_S = 180.0
ENVIRONMENT = {
    "RAY_health_check_period_ms": "500",  # a death is noticed in seconds
    "RAY_health_check_failure_threshold": "4",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONPATH": str(ROOT),
}


class Cluster:
    """Two nodes of one CPU each, with this one's code."""

    def __init__(self, folder: Path) -> None:
        """folder: with a short name, as it holds sockets"""
        self._folder = folder
        self._started: dict[str, subprocess.Popen] = {}
        self.address = f"{HEAD}:{_free_port()}"
        self._end = time.monotonic() + PATIENCE_S
        self.add(HEAD)
        while not self._reached():
            self._wait()
        try:
            self.add(OTHER)
        finally:
            ray.shutdown()

    def add(self, node: str) -> None:
        """Starts one; it is there when this returns, unless it is the first."""
        port = self.address.partition(":")[2]
        place = [f"--address={self.address}"]
        if node == HEAD:
            place = ["--head", f"--port={port}", f"--temp-dir={self._folder}"]
            place += ["--include-dashboard=false"]
        program = "from ray.scripts.scripts import main; main()"
        command = [sys.executable, "-c", program, "start", "--block", *place, "--num-cpus=1"]
        command += [f"--node-ip-address={node}", "--object-store-memory=100000000"]
        with self._log(node).open("w") as log:
            self._started[node] = subprocess.Popen(
                command, env={**os.environ, **ENVIRONMENT}, stdout=log, stderr=log
            )
        while node != HEAD and sum(known["Alive"] for known in ray.nodes()) < 2:
            self._wait()

    def _log(self, node: str) -> Path:
        return self._folder / f"{node}.log"

    def _wait(self) -> None:
        """A moment; a node that gave up, as it does after 30 s on a busy machine, tries again."""
        for node, process in list(self._started.items()):
            assert time.monotonic() < self._end, f"no Ray node:\n{self._log(node).read_text()}"
            if process.poll() is not None:
                self.add(node)
        time.sleep(0.2)

    def _reached(self) -> bool:
        host, _, port = self.address.partition(":")
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) != 0:
                return False
        with suppress(ConnectionError):  # the head's own node comes later
            ray.init(self.address, log_to_driver=False, logging_level="CRITICAL")
        return ray.is_initialized()

    def kill(self, node: str) -> None:
        """All of its processes at once, as if somebody had pulled the plug."""
        started = self._started.pop(node)
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(started.pid)
            for one in [process, *process.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
        started.wait()

    def end(self) -> None:
        for node in list(self._started):
            self.kill(node)


@contextmanager
def opened() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        cluster = Cluster(Path(folder))
        try:
            yield cluster
        finally:
            cluster.end()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HEAD, 0))
        return probe.getsockname()[1]
