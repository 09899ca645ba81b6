"""What the READMEs print works as printed."""

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

import variants
from sambench import config
from sambench.cli.app import cli
from variants.core import registry

ROOT = Path(__file__).parents[1]
FILES = [
    ROOT / ".github/CONTRIBUTING.md",
    ROOT / "README.md",
    *(ROOT / place / "README.md" for place in ("variants", "studies", "sambench", "tests")),
    ROOT / "sambench/executors/README.md",
    ROOT / "tests/examples/README.md",
]


def blocks(file: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", file.read_text(), flags=re.DOTALL)


def named(code: str) -> str:
    """The file that a block is to be saved as, in its first line; "" where it says none."""
    found = re.match(r"# (\w+\.py)\n", code)
    return found[1] if found else ""


def run(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


STUDY = "run_study"
PROGRAMS = [
    code for file in FILES for code in blocks(file, "python") if not (STUDY in code or named(code))
]


@pytest.mark.parametrize("code", PROGRAMS)
def test_programs_run(code: str, place: Path) -> None:
    run(code)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what is published, and nothing else."""
    shutil.copytree(ROOT / "leaderboards", tmp_path / "leaderboards")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_code_is_of_a_language_that_is_tested() -> None:
    for file in FILES:
        assert set(re.findall(r"^```(\w+)$", file.read_text(), re.M)) <= {
            "python",
            "toml",
            "diff",
        }, file


def documented(file: Path) -> list[str]:
    """The commands of a README, in its order."""
    return re.findall(r"^    .*-m sambench (.*?)(?: *#.*)?$", file.read_text(), re.M)


COMMANDS = sorted({words for file in FILES for words in documented(file)})


@pytest.mark.parametrize("words", COMMANDS)
def test_commands_are_spelled_right(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for group in (cli, cli.commands["sweep"]):
        for command in group.commands.values():
            if command.callback and not hasattr(command, "commands"):
                monkeypatch.setattr(command, "callback", lambda **_: None)
    done = CliRunner().invoke(cli, shlex.split(words))
    assert done.exit_code == 0, done.output


SMALL = (
    "--set train.epochs=1 --set task.image_size=8 --set search.budget=2 --set search.searches=1 "
    "--set task.split={train=64,val=50,test=50} --device cpu"
)
ONE = "--workers 1"
FIRST_HOUR = {
    "study --dry-run": SMALL,
    "study": f"{SMALL} {ONE}",
    "study --set search.searches=8": f"{SMALL} --set search.searches=2 {ONE}",
    "best digits --format python": "",
    "study digits --set task.label_noise=0 --fork digits-clean": f"{SMALL} {ONE}",
    "study my.toml --device cuda --workers 4 --wandb online": f"{SMALL} {ONE} --wandb offline",
    "study my.toml --points 0:20": f"{SMALL} {ONE} --points 0:2",
    "trial my --variant sam --lr 0.1 --rho 0.2": SMALL,
    "leaderboard": "",
}
"""The commands of README.md, in its order, and what makes them small; the last word on an option
counts."""
THEN = {
    "sweep export digits": SMALL,
    "variants half_sam --import half_sam.py": "",
    "trial digits --variant half_sam --lr 0.1 --import half_sam.py": SMALL,
    """study digits --set 'variants=["plain", "half_sam"]' --fork half --import half_sam.py""": (
        f"{SMALL} --workers 2"
    ),
}
"""Of the other READMEs: those that need no server."""


def test_the_first_hour_is_all_that_readme_says() -> None:
    assert documented(ROOT / "README.md") == list(FIRST_HOUR)
    assert set(THEN) <= set(COMMANDS)


@pytest.mark.slow
def test_the_first_hour(place: Path, monkeypatch: pytest.MonkeyPatch, warm_python: str) -> None:
    """All that READMEs print, in their order and in one folder, as a newcomer types it."""
    for registered in ("_classes", "_infos"):
        monkeypatch.setattr(registry, registered, dict(getattr(registry, registered)))
    (spelled,) = blocks(ROOT / "README.md", "toml")
    (place / "my.toml").write_text(spelled)
    for code in blocks(ROOT / "variants/README.md", "python"):
        if named(code):
            (place / named(code)).write_text(code)
    told = {}
    for words, more in {**FIRST_HOUR, **THEN}.items():
        done = CliRunner().invoke(cli, shlex.split(f"{words} {more}"))
        assert done.exit_code == 0, (words, done.output, done.exception)
        told[words] = done.stdout

    def python(*words: str) -> str:
        done = subprocess.run([warm_python, *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "test accuracy" in python("-c", told["best digits --format python"])
    assert " passed" in python("-m", "pytest", "-p", "no:cacheprovider", "test_half_sam.py")
    (study,) = [code for code in blocks(ROOT / "sambench/README.md", "python") if STUDY in code]
    (place / "a_study.py").write_text(study)
    assert "page: runs/quick/index.html" in python("a_study.py")


def test_targets_of_make_exist() -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for file in FILES:
        assert set(re.findall(r"(?:^    |`)make ([a-z]+)", file.read_text(), re.M)) <= known, file


def test_study_file_is_the_default_study() -> None:
    (spelled,) = (tomllib.loads(block) for block in blocks(ROOT / "README.md", "toml"))
    assert config.fingerprint(config.parse(spelled, "digits")) == config.fingerprint(
        config.load("digits")
    )


@pytest.mark.parametrize("place", ["studies", "sambench"])
def test_tables_of_study_files_are_right(place: str) -> None:
    """Put into the default study, each makes a study."""
    (digits,) = (tomllib.loads(block) for block in blocks(ROOT / "README.md", "toml"))
    for block in blocks(ROOT / place / "README.md", "toml"):
        assert config.parse({**digits, **tomllib.loads(block)}, "digits").arms()


def test_own_variant_takes_less_than_20_lines() -> None:
    (code,) = (
        block for block in blocks(ROOT / "variants/README.md", "python") if "class HalfSAM" in block
    )
    assert len([line for line in code.splitlines() if line]) < 20


def test_every_variant_is_listed() -> None:
    readme = (ROOT / "variants" / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in variants.names())


def test_the_first_page_is_short_and_its_links_lead_somewhere() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
    for file in FILES:
        prose = re.sub(r"```.*?```|`.*?`", "", file.read_text(), flags=re.DOTALL)
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", prose):
            assert (file.parent / target).exists(), f"{file}: {target}"
