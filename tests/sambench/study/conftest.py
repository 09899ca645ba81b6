"""`sambench trial` called as from a terminal."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sambench.cli import main

sys.path.insert(0, str(Path(__file__).parents[1]))  # postgres_server

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(
    capfd: pytest.CaptureFixture[str],
    study_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Call:
    """(exit code, standard output, standard error) of `sambench trial tiny.toml ...`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def call(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        command = ["sambench", "trial", str(study_file), "--device", "cpu", *words]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as done:
            main()
        return int(done.value.code or 0), *capfd.readouterr()

    return call
