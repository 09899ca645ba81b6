"""Which room may import which, read from the source."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from itertools import accumulate
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("sambench/**/*.py"), *ROOT.glob("variants/**/*.py")])

FLOORS = [
    {"errors", "files", "plugins", "registry", "scores", "seeds", "stats"},
    {"config"},
    {"records"},
    {"tasks"},
    {"training", "tracking"},
    {"measures"},
    {"bench", "executors"},
    {"analysis"},
    {"render"},
    {"study"},
    {"sweeps", "doctor", "scale"},
    {"cli"},
]
"""From the bottom: a room imports from its own floor or one below, see design.md section 2."""


@cache
def modules(path: Path, *, lazy: bool = True) -> tuple[str, ...]:
    """Names of the modules that a file imports; types that only a checker reads do not count."""
    return tuple(_modules(path, lazy))


def _modules(path: Path, lazy: bool) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    typing = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    inside = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.FunctionDef)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if node in typing or (not lazy and node in inside):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top(name: str) -> str:
    return name.partition(".")[0]


def room(path: Path) -> str:
    return path.relative_to(ROOT / "sambench").with_suffix("").parts[0]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize(
    "path", [f for f in FILES if "variants" in f.parts and "testing" not in f.parts], ids=named
)
def test_variants_import_torch_and_themselves_only(path: Path):
    allowed = {"torch", "variants", *sys.stdlib_module_names}
    allowed |= {"greenlet"} if path.name == "turns.py" else set()  # imported when it is used
    assert {top(name) for name in modules(path)} <= allowed


@pytest.mark.parametrize("path", FILES, ids=named)
def test_nothing_imports_studies_tests_or_leaderboards(path: Path):
    assert not {top(name) for name in modules(path)} & {"studies", "tests", "leaderboards"}


@pytest.mark.parametrize("path", [f for f in FILES if "sambench" in f.parts], ids=named)
def test_rooms_import_downwards(path: Path):
    floor = {name: i for i, names in enumerate(FLOORS) for name in names}
    if path.stem in ("__init__", "__main__") and path.parent.name == "sambench":
        return
    own = room(path)
    assert own in floor, f"{named(path)}: on which floor is it?"
    for name in modules(path):
        parts = name.split(".")
        if parts[0] == "sambench" and parts[1] in floor and parts[1] != own:
            assert floor[parts[1]] <= floor[own], f"{named(path)} imports {name}"


@cache
def packages() -> dict[str, set[str]]:
    """Package -> what its `__init__`, or the stub of it that is loaded lazily, offers."""
    found = {}
    for init in ROOT.glob("sambench/**/__init__.py"):
        stub = init.with_suffix(".pyi")
        tree = ast.parse((stub if stub.exists() else init).read_text())
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        names |= {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                names |= {alias.asname or alias.name for alias in node.names}
        found[".".join(init.parent.relative_to(ROOT).parts)] = names
    return found


@pytest.mark.parametrize("path", [f for f in FILES if "sambench" in f.parts], ids=named)
def test_rooms_are_entered_by_the_front_door(path: Path):
    """From another room comes only what its `__init__` offers."""
    offered, own = packages(), room(path)
    for name in modules(path):
        parts = name.split(".")
        if parts[0] != "sambench" or parts[1] in (
            own,
            "errors",
            "files",
            "plugins",
            "registry",
            "scores",
            "seeds",
        ):
            continue
        package, _, leaf = name.rpartition(".")
        assert package in offered, f"{named(path)} reaches into a room for {name}"
        assert package == "sambench" or leaf in offered[package], f"{named(path)} imports {name}"


LIGHT = (
    "analysis",
    "config",
    "records",
    "render",
    "stats",
    "errors.py",
    "files.py",
    "scores.py",
    "seeds.py",
)


@pytest.mark.parametrize("package", [*LIGHT, "scores.py", "bench/record.py", "bench/ratios.py"])
def test_light_rooms_know_no_torch(package: str):
    """Not even through what they import."""
    path = ROOT / "sambench" / package
    files = [path] if path.suffix else sorted(path.glob("**/*.py"))
    heavy = {"torch", "optuna", "wandb", "timm", "torchvision"}
    rooms = {"tasks", "training", "study", "executors", "variants"}
    for file in files:
        names = set(modules(file, lazy=package != "config"))
        assert not {top(name) for name in names} & heavy
        inside = {name.split(".")[1] for name in names if top(name) == "sambench"}
        assert not inside & rooms, named(file)


def test_nothing_but_the_registry_knows_variants_by_name():
    """No `if name == "esam"`: the keys stand in no string of the suite, the baseline's apart."""
    import variants

    keys = set(variants.names()) - {"plain"}
    for path in FILES:
        if "sambench" not in path.parts:
            continue
        strings = {
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not strings & keys, named(path)


def test_the_command_line_starts_light():
    script = "import sys, sambench.cli; print(*{n.partition('.')[0] for n in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    heavy = {"torch", "optuna", "wandb", "pandas", "numpy", "timm", "pydantic", "rich", "scipy"}
    assert not set(done.stdout.split()) & heavy


def test_every_module_can_be_the_first_that_is_imported():
    """Circles of imports show only to whoever enters at the wrong end; here are none."""
    known = {dotted(path): path for path in FILES}
    waits = {}
    for name, path in known.items():
        asked = imported_at_once(ast.parse(path.read_text()))
        waits[name] = {other for wanted in asked for other in run_for(wanted, name, known)} - {name}
    assert set(TopologicalSorter(waits).static_order()) == set(known)


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_at_once(tree: ast.AST) -> Iterator[str]:
    """What runs with the module, and not when a function is called."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                pass
            case ast.If() if ast.unparse(node.test) == "TYPE_CHECKING":
                pass
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            case _:
                yield from imported_at_once(node)


def run_for(wanted: str, name: str, known: dict[str, Path]) -> Iterator[str]:
    """Modules that have to have run before a name is there for module `name`.

    A package is entered before what lies in it, which therefore does not wait for its end, unless
    it asks it for a name.
    """
    package, _, leaf = wanted.rpartition(".")
    if wanted in known:
        module = wanted
    elif package in known:
        module = package
        stub = known[package].with_suffix(".pyi")
        if lazy := lazily(package, stub).get(leaf) if stub.exists() else None:
            yield from run_for(lazy, name, known)
            return
    else:
        return
    yield module
    around = accumulate(module.split(".")[:-1], "{}.{}".format)
    yield from (other for other in around if not f"{name}.".startswith(f"{other}."))


@cache
def lazily(package: str, stub: Path) -> dict[str, str]:
    """Name that a package offers -> where it is."""
    return {
        alias.asname or alias.name: ".".join(filter(None, (package, node.module, alias.name)))
        for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
