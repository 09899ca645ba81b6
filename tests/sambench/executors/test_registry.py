"""--on: a name or a file, strictly checked, and executors of other packages."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from sambench import plugins
from sambench.errors import UserError
from sambench.executors import Executor, Local, chosen, name_of, names
from sambench.executors.registry import executors

OWN = """
from sambench.executors import Local, register

@register("mine")
class Mine(Local):
    queue: str = "fast"
"""


@pytest.fixture(autouse=True)
def classes(monkeypatch: pytest.MonkeyPatch) -> dict[str, type[Executor]]:
    """The registry, to be filled and left as it was."""
    names()
    known = executors._classes
    before = dict(known)
    monkeypatch.setattr(executors, "_entries", list)
    yield known
    known.clear()
    known.update(before)


def test_a_name(tmp_path: Path):
    assert chosen("local") == Local() and chosen("local", 3) == Local(workers=3)
    assert [name_of(chosen(name)) for name in ("inline", "local")] == ["inline", "local"]
    assert chosen(Local(cpus_per_run=2), 3) == Local(cpus_per_run=2, workers=3)


def test_a_file_has_the_settings(tmp_path: Path):
    file = tmp_path / "here.toml"
    file.write_text('executor = "local"\nworkers = 4\ngpus_per_run = 0.5\n')
    assert chosen(file) == Local(workers=4, gpus_per_run=0.5)
    assert chosen(str(file), 2).workers == 2


BROKEN = {
    "": "executor: is required, one of ",
    "executor = 3": "executor: is required",
    "executor = 'locl'": "executor: unknown executor 'locl', did you mean local?",
    "executor = 'local'\nworkrs = 2": "workrs: unknown key, did you mean workers?",
    "executor = 'local'\nworkers = 0": "workers: must be >= 1, got 0",
    "executor = 'local'\ngpus_per_run = 1.5": "gpus_per_run: must be whole, or < 1, got 1.5",
    "executor = 'local'\ngpus_per_run = -1": "gpus_per_run: must be >= 0, got -1",
    "executor = 'local'\ncpus_per_run = 'all'": "cpus_per_run: must be a whole number, got 'all'",
    "executor = 'inline'\nworkers = 2": "workers: inline has one, got 2; write executor = 'local'",
    "executor = ": "Invalid value",
}


@pytest.mark.parametrize("text", BROKEN)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, text: str):
    file = tmp_path / "here.toml"
    file.write_text(text)
    with pytest.raises(UserError) as refused:
        chosen(file)
    assert str(refused.value).startswith(f"--on {file}: ") and BROKEN[text] in str(refused.value)
    assert "\n" not in str(refused.value)


def test_bad_names_and_paths(tmp_path: Path):
    with pytest.raises(UserError, match=r"--on: unknown executor .locla., did you mean local\?"):
        chosen("locla")
    (tmp_path / "cluster.toml").touch()
    with pytest.raises(UserError, match=r"--on: no such file .*did you mean .*cluster.toml\?"):
        chosen(tmp_path / "clustr.toml")
    with pytest.raises(UserError, match="--workers must be >= 1, got 0"):
        chosen("local", 0)


def test_one_in_a_file_of_the_users_own(tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    plugins.load([file])
    assert "mine" in names() and chosen("mine", 2).model_dump()["queue"] == "fast"
    assert [plugin.file for plugin in plugins.known(["mine"])] == [file]
    with pytest.raises(ValueError, match="executor 'mine' is taken, by mine; choose another"):
        executors.register("mine")(Local)


def test_a_file_that_fails_leaves_nothing(tmp_path: Path):
    file = tmp_path / "failing.py"
    file.write_text(OWN + "1 / 0\n")
    with pytest.raises(UserError, match="line 7: ZeroDivisionError: division by zero"):
        plugins.load([file])
    assert "mine" not in names()


def test_one_of_another_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "their_executor.py").write_text(OWN)
    (tmp_path / "their_broken.py").write_text("raise RuntimeError('no licence')")
    monkeypatch.syspath_prepend(tmp_path)
    entries = [
        EntryPoint("mine", "their_executor", executors.group),
        EntryPoint("broken", "their_broken", executors.group),
        EntryPoint("empty", "json", executors.group),
    ]
    monkeypatch.setattr(executors, "_entries", lambda: entries)
    assert {"mine", "broken", "local"} <= set(names())
    assert type(chosen("mine")).__name__ == "Mine"
    with pytest.raises(UserError, match="--on: executor 'broken': RuntimeError: no licence"):
        chosen("broken")
    with pytest.raises(UserError, match="--on: executor 'empty': json registers none"):
        chosen("empty")
