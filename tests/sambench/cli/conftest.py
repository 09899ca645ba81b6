"""Commands called as from a terminal, in an empty folder."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sambench.cli import main
from tests.sambench.cli.words import study

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Call:
    """(exit code, standard output, standard error) of `sambench ...` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["sambench", *map(str, arguments)])
        with pytest.raises(SystemExit) as done:
            main()
        out, err = capfd.readouterr()
        return int(done.value.code or 0), out, err

    return call


@pytest.fixture
def refused(call: Call) -> Callable[..., str]:
    """The one line on standard error of a command that is refused."""

    def refused(*arguments: str | Path) -> str:
        code, _, err = call(*arguments)
        lines = err.splitlines()
        assert (code, len(lines)) == (2, 1), err
        assert lines[0].startswith("sambench: ")
        assert "Traceback" not in err and "Error" not in err
        return lines[0].removeprefix("sambench: ")

    return refused


@pytest.fixture
def done(call: Call, study_file: Path, finished: Path) -> list[str | Path]:
    """The command line of a study that has run to its end."""
    shutil.copytree(finished, Path("runs/tiny"))
    return study(study_file)
