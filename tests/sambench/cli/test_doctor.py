"""`sambench doctor`, called as from a terminal."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sambench import doctor
from sambench.doctor.check import Check, Finding, ok, problem, warning

Call = Callable[..., tuple[int, str, str]]


def finding(found: Finding) -> Check:
    return Check(found.state, 5, lambda asked: found)


WELL = [finding(ok("3.11")), finding(warning("slow", "wait"))]
ILL = [*WELL, finding(problem("broken", "mend it"))]


@pytest.mark.parametrize(("checks", "code"), [(WELL, 0), (ILL, 1)])
def test_a_problem_is_exit_code_1_and_has_its_remedy(
    call: Call, monkeypatch: pytest.MonkeyPatch, checks: list[Check], code: int
):
    monkeypatch.setattr(doctor, "CHECKS", checks)
    found, out, err = call("doctor")
    assert (found, err) == (code, "")
    lines = [line for line in out.splitlines() if "remedy" not in line]
    assert [line.split()[0] for line in lines] == [check.name for check in checks]
    assert out.count("remedy: ") == len(checks) - 1
    found, out, _ = call("doctor", "--json")
    told = json.loads(out)
    assert found == code and told["ok"] == (not code)
    assert {tuple(one) for one in told["checks"]} == {("name", "state", "said", "remedy")}


def test_it_looks_at_this_machine_and_leaves_nothing(tmp_path: Path):
    """All checks, and none of them in this process: torch may crash."""
    script = (
        "import sys\n"
        "from sambench.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "doctor", "--root", "deep/runs"],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    names = [
        line[8:].split("  ")[0].split()[0] for line in done.stdout.splitlines() if line[0] != " "
    ]
    assert names == [check.name for check in doctor.CHECKS], done.stderr
    assert not {"torch", "optuna", "sqlalchemy", "wandb", "ray"} & set(done.stderr.split())
    assert not list(tmp_path.iterdir())
