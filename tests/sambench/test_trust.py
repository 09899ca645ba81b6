"""Study files, records and results of other hosts are data: nothing in them executes code."""

import ast
from pathlib import Path

import torch

from sambench.training import checkpoint

ROOT = Path(__file__).parents[2] / "sambench"
ENGINES = {f"executors/{name}.py" for name in ("slurm_job", "slurm_driver", "actor", "replicas")}
"""What submitit, Ray and torchrun hand over, as executors/README.md says."""


def unpickles(call: ast.Call) -> bool:
    """Whether a call makes objects of a file or of bytes that choose what is called."""
    name = ast.unparse(call.func)
    options = {word.arg: ast.unparse(word.value) for word in call.keywords}
    if name == "torch.load":
        return options.get("weights_only") != "True"
    library, last = name.partition(".")[0], name.rpartition(".")[2]
    if library in ("pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"):
        return last in ("load", "loads", "open", "Unpickler")
    return last == "read_pickle" or options.get("allow_pickle") == "True"


def test_nobody_unpickles_but_what_talks_with_an_engine():
    found = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and unpickles(node)
    }
    assert found == ENGINES


class Touches:
    """Pickled, it is a call that leaves a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self._path,)


def test_a_checkpoint_from_elsewhere_runs_nothing(tmp_path: Path):
    checkpoint.save(tmp_path, {"weights": torch.ones(2), "x": Touches(tmp_path / "touched")})
    assert checkpoint.load(tmp_path, "cpu") is None
    assert not (tmp_path / "touched").exists()
