"""A PostgreSQL server for tests: Debian's, on loopback, in a temporary folder, without fsync."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "s3cret%word"  # as people write it; in a URL %25 for its %
QUOTED = PASSWORD.replace("%", "%25")
SETTINGS = "fsync = off\nlisten_addresses = '127.0.0.1'\nmax_connections = 20\n"


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, of the newest version that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: p.parts[-3])
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class Server:
    """Running from its making to `stop`; `restart` breaks every connection."""

    def __init__(self, folder: Path) -> None:
        found = programs()
        if found is None:
            pytest.skip("no PostgreSQL server is installed: apt-get install postgresql")
        self._programs, self._folder = found, folder
        self._data = folder / "data"
        password = folder / "password"
        password.write_text(PASSWORD)
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
            shutil.chown(password, "postgres")
        auth = ("-U", "ada", "--auth=scram-sha-256", f"--pwfile={password}")
        self._call("initdb", "-D", str(self._data), "--no-sync", *auth)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(f"{SETTINGS}port = {self.port}\nunix_socket_directories = '{folder}'\n")
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://ada:{QUOTED}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self._control("start", "-l", str(self._folder / "log"))

    def stop(self) -> None:
        self._control("stop", "-m", "fast")

    def restart(self) -> None:
        self.stop()
        self.start()

    def _control(self, *words: str) -> None:
        self._call("pg_ctl", "-w", "-D", str(self._data), *words)

    def _call(self, program: str, *words: str) -> None:
        """As user postgres where root would be refused."""
        ids = {}
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            ids = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        command = [str(self._programs / program), *words]
        options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "cwd": self._folder}
        done = subprocess.run(command, check=False, timeout=60, **options, **ids)
        assert done.returncode == 0, done.stderr.decode()


@contextmanager
def serving() -> Iterator[Server]:
    """A server; pytest's own folders are closed to other users, so it lives in another."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        try:
            server = Server(Path(name))
        except (AssertionError, KeyError, OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"PostgreSQL does not start here: {error}")
        try:
            yield server
        finally:
            server.stop()
