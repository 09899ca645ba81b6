"""What the READMEs print works as printed."""

import re
import shlex
import shutil
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
    ROOT / "tests/examples/README.md",
]


def blocks(file: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", file.read_text(), flags=re.DOTALL)


PROGRAMS = [
    pytest.param(code, marks=[pytest.mark.slow] if "run_study" in code else [])
    for file in FILES
    for code in blocks(file, "python")
]


@pytest.mark.parametrize("code", PROGRAMS)
def test_programs_run(code: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for registered in ("_classes", "_infos"):  # a program may register a variant of its own
        monkeypatch.setattr(registry, registered, dict(getattr(registry, registered)))
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what is published, and nothing else."""
    shutil.copytree(ROOT / "leaderboards", tmp_path / "leaderboards")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_code_is_of_a_language_that_is_tested() -> None:
    for file in FILES:
        assert set(re.findall(r"^```(\w+)$", file.read_text(), re.M)) <= {"python", "toml"}, file


COMMANDS = sorted(
    {
        words
        for file in FILES
        for words in re.findall(r"^    .*-m sambench (.*?)(?: *#.*)?$", file.read_text(), re.M)
    }
)
SHORT = (
    "--set train.epochs=1 --set search.budget=2 --set search.searches=1 --workers 1 --device cpu"
)
RUN = {
    "best digits --format python": (),
    "leaderboard": (),
    "study --dry-run": ("--device cpu",),
    "study": (SHORT,),
    "study digits --set task.label_noise=0 --fork digits-clean": (SHORT,),
    "trial digits --variant sam --lr 0.1 --rho 0.2": ("--set train.epochs=1 --device cpu",),
    "sweep export digits": (),
}
"""Commands that need no GPU, server or file of one's own, and how they are kept short."""


@pytest.mark.parametrize("words", COMMANDS)
def test_commands_are_spelled_right(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for group in (cli, cli.commands["sweep"]):
        for command in group.commands.values():
            if command.callback and not hasattr(command, "commands"):
                monkeypatch.setattr(command, "callback", lambda **_: None)
    done = CliRunner().invoke(cli, shlex.split(words))
    assert done.exit_code == 0, done.output


SLOW = ("study", "study digits --set task.label_noise=0 --fork digits-clean")


@pytest.mark.parametrize(
    "words", [pytest.param(w, marks=[pytest.mark.slow] if w in SLOW else []) for w in RUN]
)
def test_commands_run(words: str, place: Path) -> None:
    assert words in COMMANDS
    done = CliRunner().invoke(cli, shlex.split(" ".join([words, *RUN[words]])))
    assert done.exit_code == 0, done.output


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
