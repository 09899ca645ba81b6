"""The examples run as printed, in an empty folder."""

import os
import runpy
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

import variants
from variants.core import registry

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty folder, and a registry that forgets."""
    monkeypatch.chdir(tmp_path)
    for registered in ("_classes", "_infos"):
        monkeypatch.setattr(registry, registered, dict(getattr(registry, registered)))


def run(name: str) -> None:
    runpy.run_path(str(HERE / name), run_name="__main__")


def test_a_training_loop(capsys: pytest.CaptureFixture[str]):
    run("training_loop.py")
    plain, sam = capsys.readouterr().out.splitlines()
    assert plain.startswith("Plain()") and sam.startswith("SAM(rho=0.1)")
    assert all(float(line.rpartition(": ")[2].removesuffix("%")) > 85 for line in (plain, sam))


def test_a_notebook(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("matplotlib").use("agg")
    run("notebook.py")
    assert "score" in capsys.readouterr().out
    assert Path("accuracies.svg").stat().st_size and Path("runs/notebook/leaderboard.md").exists()


def test_own_model_and_data(capsys: pytest.CaptureFixture[str]):
    run("own_model_and_data.py")
    assert Path("runs/even-or-odd/records.csv").exists()
    assert "plain" in capsys.readouterr().out


def test_own_recipe(capsys: pytest.CaptureFixture[str]):
    run("own_recipe.py")
    assert Path("runs/own_recipe/leaderboard.md").exists()
    assert "plain" in capsys.readouterr().out


def test_the_readme_shows_what_changes_in_own_recipe():
    """Its lines, but for the import and where it is called."""
    diff = (HERE.parents[1] / "README.md").read_text().partition("```diff\n")[2].partition("```")[0]
    after = [line[1:] for line in diff.splitlines() if line[:1] in ("+", " ")]
    script = (HERE / "own_recipe.py").read_text()
    assert "\n".join(after[:-1]) in script
    assert "sambench.compare(train, [" in script and "sambench.compare(train, [" in after[-1]
    assert len([line for line in diff.splitlines() if line[:1] == "+"]) <= 20


def test_own_variant_in_a_single_file():
    run("own_variant.py")
    assert "half_sam" in Path("runs/half-sam/leaderboard.md").read_text()
    assert "half_sam" in variants.names()


def test_the_package_is_the_one_that_the_readme_shows():
    readme = (HERE.parents[1] / "variants/README.md").read_text()
    for file in ("pyproject.toml", "half_sam.py", "test_half_sam.py"):
        lines = (HERE / "half-sam" / file).read_text().splitlines()
        missing = [line for line in lines if not line.startswith('"""') and line not in readme]
        assert not missing, file


@pytest.mark.slow
def test_own_variant_as_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm_python: str
):
    """Installed, it is known by name, and passes the suite that it brings."""
    build = pytest.importorskip("hatchling.build")
    shutil.copytree(HERE / "half-sam", "package")
    monkeypatch.chdir("package")
    with zipfile.ZipFile(tmp_path / build.build_wheel(str(tmp_path))) as wheel:
        wheel.extractall(tmp_path / "site")  # as an installer does
    paths = [str(tmp_path / "site"), str(HERE.parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    for words, told in (
        ("sambench variants half_sam", "Half SAM"),
        ("pytest -p no:cacheprovider test_half_sam.py", " passed"),
    ):
        command = [warm_python, "-m", *words.split()]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 0 and told in done.stdout, done.stdout + done.stderr
