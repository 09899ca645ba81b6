"""`--import`: a variant in a file is known to every command, to workers, and to who repeats it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from sambench import plugins, records
from tests.sambench.cli.conftest import Call
from variants.core import registry

RULE = """
import variants
from variants import Update, Variant, hyper, ops


@variants.register("half_sam", title="Half SAM", year=2026)
class HalfSAM(Variant):
    rho: float = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)
    passes = 2.0

    def direction(self, oracle, state):
        return Update(oracle.grad(at=ops.ball(oracle.grad().grads, self.rho)).grads), state
"""
IMPORT = ("--import", "half_sam.py")
OWN = ('variants=["half_sam"]', "search.budget=2")
ON = ("--device", "cpu", "--wandb", "disabled")
STUDY = (*(word for own in OWN for word in ("--set", own)), *IMPORT, *ON)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A registry that forgets."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for known in ("_classes", "_infos"):
        monkeypatch.setattr(registry, known, dict(getattr(registry, known)))
    plugins._seen.cache_clear()
    yield
    sys.modules.pop("half_sam", None)


@pytest.fixture
def half(tmp_path: Path) -> Path:
    path = tmp_path / "half_sam.py"
    path.write_text(RULE)
    return path


def forget() -> None:
    del registry._classes["half_sam"], registry._infos["half_sam"]
    plugins._seen.cache_clear()


def test_a_study_with_workers_its_page_and_what_comes_after(
    call: Call, refused: Callable[..., str], study_file: Path, half: Path
) -> None:
    code, _, err = call("study", study_file, *STUDY, "--workers", "2")
    assert code == 0, err
    found = records.read(Path("runs/tiny/records.csv"))
    assert "half_sam" in set(found.frame["key"])
    own = found.header["code"]["half_sam"]
    assert own["file"] == "half_sam.py" and len(own["digest"]) == 16
    assert "--import half_sam.py" in found.header["command"]
    page = Path("runs/tiny/leaderboard.md").read_text()
    assert "--import half_sam.py" in page

    line = refused("best", "tiny", "--variant", "half_sam")
    assert line.endswith("the program must import it: --import half_sam.py")
    code, program, _ = call("best", "tiny", "--variant", "half_sam", *IMPORT)
    assert code == 0 and str(half.resolve()) in program
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "test accuracy" in told.stdout, told.stderr

    assert call("trial", "runs/tiny", "--variant", "half_sam", "--lr", "0.1", *IMPORT)[0] == 0
    code, out, err = call("sweep", "export", "runs/tiny", "--variant", "half_sam", *IMPORT)
    assert code == 0, err
    command = yaml.safe_load(Path("runs/tiny/sweep-half_sam.yaml").read_text())["command"]
    assert command[command.index("--import") + 1] == str(half.resolve())

    _, out, _ = call("merge", "runs/tiny/records.csv", "--root", "other")
    assert out.splitlines()[-1].endswith("study tiny --import half_sam.py --root other")

    forget()
    half.write_text(RULE.replace("oracle.grad().grads, self", "oracle.grad().grads, 2 * self"))
    line = refused("study", study_file, *STUDY)
    assert "the code of half_sam in half_sam.py; undo that, or start a new study" in line
    assert call("study", study_file, *STUDY, "--workers", "1", "--fork", "again")[0] == 0


def test_variants_and_bench(call: Call, half: Path) -> None:
    code, out, _ = call("variants", "half_sam", *IMPORT)
    assert code == 0 and out.startswith("half_sam: Half SAM")
    step = ("--batch-size", "2", "--rounds", "1", "--device", "cpu", "--json")
    code, out, err = call("bench", "--variants", "plain,half_sam", *IMPORT, *step)
    assert code == 0, err
    assert "--import half_sam.py" in json.loads(out)["command"]


@pytest.mark.parametrize(
    "words",
    [
        ("study", "tiny.toml"),
        ("trial", "tiny.toml", "--variant", "sam", "--lr", "0.1"),
        ("best", "tiny"),
        ("variants",),
        ("bench",),
        ("sweep", "export", "tiny.toml"),
    ],
    ids=" ".join,
)
def test_every_command_refuses_what_it_cannot_import(
    refused: Callable[..., str], study_file: Path, words: tuple[str, ...]
) -> None:
    assert refused(*words, "--import", "nope.py") == "--import nope.py: no such file"
    assert not Path("runs").exists()


def test_without_it_the_way_in_is_named(refused: Callable[..., str], study_file: Path) -> None:
    script = "from sambench.cli import main; main()"
    words = [sys.executable, "-c", script, "study", str(study_file), "--set", OWN[0]]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("(one of your own: --import FILE.py)")
