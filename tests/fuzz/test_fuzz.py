"""A bounded number of the fuzzer's cases; `python -m tests.fuzz` runs as many as one likes."""

import random
from pathlib import Path

import pytest

from tests.fuzz import harness, mutations
from tests.fuzz.areas import AREAS, VALID, case, tried
from tests.fuzz.harness import Case, run
from tests.fuzz.world import TRIAL, World

SEED = 0
CASES = 15  # of each area: about ten seconds


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.mark.parametrize("area", AREAS)
def test_bad_input_is_refused_in_one_line_and_changes_nothing(
    area: str, world: World, tmp_path: Path
):
    found = [tried(area, SEED, number, world, tmp_path) for number in range(CASES)]
    broken = [str(one) for one in found if one.broken]
    assert not broken, "\n\n".join(broken)


@pytest.mark.parametrize("area", AREAS)
def test_what_the_cases_are_made_from_is_taken(area: str, world: World, tmp_path: Path):
    """Else everything would be refused, for a reason that no case is about."""
    result, broken = run(VALID[area](world), tmp_path / "case")
    assert (result.code, broken) == (0, []), result.err


@pytest.mark.parametrize("area", ["study_files", "command_line"])
def test_as_a_program_of_its_own(area: str, world: World, tmp_path: Path):
    assert not (found := tried(area, SEED, 1, world, tmp_path, forked=False)).broken, str(found)


@pytest.mark.parametrize("area", AREAS)
def test_a_seed_and_a_number_make_the_same_case(area: str, world: World):
    for number in range(10):
        one, other = (case(area, SEED, number, world) for _ in range(2))
        assert (one.what, one.words, one.environment) == (
            other.what,
            other.words,
            other.environment,
        )
        assert one.files.keys() == other.files.keys()


def test_mutations_are_of_known_kinds():
    tree = {"a": {"b": [1, 2.5]}, "c": "x"}
    rng = random.Random(SEED)
    made = [mutations.mutated(rng, tree) for _ in range(300)]
    assert len({what for _, what in made}) > 150
    assert tree == {"a": {"b": [1, 2.5]}, "c": "x"}
    assert all(mutations.toml(data) or not data for data, _ in made)


def test_the_harness_sees_what_is_changed_and_left(tmp_path: Path):
    """Regenerating pages writes files: undeclared, each of them is a finding."""
    files = {"boards/a.csv": b"no records"}
    _, broken = run(Case("", ("leaderboard", "--folder", "boards"), files), tmp_path / "case")
    assert broken == ["left behind: work/boards/README.md"]


def test_the_harness_ends_what_does_not_end(world: World, tmp_path: Path):
    words = (*TRIAL, "--set", "train.epochs=1000000")
    case = Case("", words, {"tiny.toml": world.study}, writes=("runs/*",), cut_s=5)
    result, broken = run(case, tmp_path / "case")
    assert (result.told, broken) == ("cut short", [])


def test_the_harness_sees_what_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(harness, "WALL_S", 1)
    words = ("bench", "--device", "cpu", "--rounds", "1000", "--batch-size", "512")
    _, broken = run(Case("", words), tmp_path / "case")
    assert broken[0].startswith("exit code 98")
