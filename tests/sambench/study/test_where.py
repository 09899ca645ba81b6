"""How many processes run a study, and what keeps it to one."""

import subprocess
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from torch import nn

from sambench import executors
from sambench.errors import UserError
from sambench.plugins import Plugin
from sambench.study import where
from sambench.training import Custom


def make(channels: int, classes: int) -> nn.Module:
    return nn.Linear(channels, classes)


def number(asked: int | None, custom: Custom = Custom(), *plugins: Plugin, device: str = "cpu"):
    """The number, and what was said of it."""
    console = Console(file=StringIO())
    found = where.executor(None, asked, device, custom, plugins, console)
    return found.workers or 1, console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


def test_the_default_is_that_of_the_command_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(executors.local, "threads_each", lambda workers: 3)
    monkeypatch.setattr(where.torch.cuda, "device_count", lambda: 2)
    assert number(None) == (3, "") and number(None, device="cuda") == (2, "")
    assert number(None, device="cuda:1") == (1, "")
    assert number(2) == (2, "") and number(1) == (1, "")


def test_no_fewer_than_one():
    with pytest.raises(UserError, match="--workers must be >= 1, got 0"):
        number(0)


def test_what_is_of_a_module_goes_to_workers():
    assert number(2, Custom(model=make)) == (2, "")
    assert number(2, Custom(), Plugin("half", Path("half.py"), ("half",))) == (2, "")


def test_what_no_other_process_can_import_stays_here(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(where.executors, "main_is_guarded", lambda: False)
    num, told = number(2, Custom(model=lambda channels, classes: make(channels, classes)))
    assert num == 1 and told.startswith("1 worker: your model cannot be imported by others; ")
    assert len(told.splitlines()) == 1
    for plugin in (Plugin("__main__", Path("a.py"), ("half",)), Plugin("m", None, ("half",))):
        num, told = number(2, Custom(), plugin)
        assert num == 1 and told.startswith("1 worker: half cannot be imported")
    assert number(1, Custom(model=lambda channels, classes: nn.Identity())) == (1, "")


SCRIPT = """
import sys
from pathlib import Path

from torch import nn
import sambench
{model}
{guard}found = sambench.run_study(
    "tiny.toml", device="cpu", workers=2, wandb="disabled"{argument}
)
{guard}print(repr(found))
"""
MODEL = """
def make(channels, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * 64, classes))
"""
CASES = {
    "no guard": ("", "", "", False),
    "no guard, its own model": (MODEL, "", ", model=make", True),
    "guard, its own model": (MODEL, 'if __name__ == "__main__": ', ", model=make", False),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_scripts(case: str, study_file: Path, warm_python: str):
    model, guard, argument, alone = CASES[case]
    script = study_file.with_name("script.py")
    script.write_text(SCRIPT.format(model=model, guard=guard, argument=argument))
    done = subprocess.run(
        [warm_python, script], capture_output=True, text=True, cwd=script.parent, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("<study tiny, 2 arms>") == 1
    assert ("1 worker: your model cannot be imported" in done.stdout) == alone
