"""Files of a user's own: what they register is known, and what is wrong with them is told."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import variants
from sambench import plugins
from sambench.errors import UserError
from variants.core import registry

HALF = """
import variants
from variants import Update, Variant


@variants.register({name!r}, title="Half", year=2026)
class Half(Variant):
    passes = 1.0

    def direction(self, oracle, state):
        return Update(oracle.grad().grads), state
"""


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder, and a registry that forgets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    for registered in ("_classes", "_infos"):
        monkeypatch.setattr(registry, registered, dict(getattr(registry, registered)))
    plugins._seen.cache_clear()
    yield
    for name in [n for n in sys.modules if n not in before and n.startswith(("half", "helpers"))]:
        del sys.modules[name]


def put(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def refused(*names: str) -> str:
    with pytest.raises(UserError) as caught:
        plugins.load(map(Path, names))
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_what_a_file_registers_is_known():
    plugins.load([put("half.py", HALF.format(name="half"))])
    (own,) = plugins.known(["half", "sam"])
    assert (own.module, own.file, own.names) == ("half", Path("half.py").resolve(), ("half",))
    assert variants.create("half").passes == 1.0
    assert not plugins.known(["sam"]) and not plugins.code(["sam"])


def test_named_twice_it_is_imported_once():
    path = put("half.py", HALF.format(name="half") + "print('imported')\n")
    plugins.load([path, path.resolve(), path])
    plugins.load([path])
    assert "half" in variants.names()


def test_what_it_prints_is_no_output(capsys: pytest.CaptureFixture[str]):
    plugins.load([put("half.py", HALF.format(name="half") + "print('imported')\n")])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["random.py", "torch.py", "my-half.py", "my.half.py"])
def test_files_of_any_name(name: str):
    """Also of a module that Python has, which stays."""
    before = sys.modules.get(Path(name).stem)
    plugins.load([put(f"sub/{name}", HALF.format(name="half"))])
    assert "half" in variants.names()
    assert sys.modules.get(Path(name).stem) is before


def test_it_may_import_its_neighbours():
    put("sub/helpers_of_half.py", "NAME = 'half'\n")
    text = HALF.format(name="half").replace("'half'", "helpers_of_half.NAME")
    plugins.load([put("sub/half.py", "import helpers_of_half\n" + text)])
    assert "half" in variants.names()


LINES = {
    "1 / 0\n": "half.py: line 1: ZeroDivisionError: division by zero",
    "def f():\n    raise KeyError('x')\n\n\nf()\n": "half.py: line 2: KeyError: 'x'",
    "import no_such_module\n": "line 1: ModuleNotFoundError: No module named 'no_such_module'",
    "def f(:\n": "half.py: line 1: is no Python: invalid syntax",
    "import sys\nsys.exit(3)\n": "half.py: line 2: SystemExit: 3",
    "x = 1\n": "half.py: registers nothing; a variant is a class under @variants.register(",
    HALF.format(name="sam"): "ValueError: variant 'sam' is taken, by variants.sam; choose another",
}


@pytest.mark.parametrize("text", LINES, ids=range(len(LINES)))
def test_what_is_wrong_with_it_is_told(text: str):
    before = variants.names()
    put("half.py", text)
    assert LINES[text] in refused("half.py")
    assert variants.names() == before
    put("half.py", HALF.format(name="half"))  # mended, it can be imported
    plugins.load([Path("half.py")])
    assert "half" in variants.names()


def test_what_fails_late_leaves_nothing():
    put("half.py", HALF.format(name="half") + "\n1 / 0\n")
    assert "ZeroDivisionError" in refused("half.py")
    assert "half" not in variants.names() and "half" not in sys.modules


def test_paths_that_are_no_file_of_python():
    put("half.py", "")
    put("half.txt", "")
    Path("folder.py").mkdir()
    assert refused("halv.py") == "--import halv.py: no such file; did you mean half.py?"
    assert refused("no/half.py") == "--import no/half.py: no such file"
    assert refused("folder.py") == "--import folder.py: is a folder; name a file in it"
    assert refused("half.txt") == "--import half.txt: must be a file of Python, NAME.py"
    Path("binary.py").write_bytes(b"\xff\x00")
    assert "binary.py: is no Python" in refused("binary.py")


def test_a_file_that_changed_meanwhile_is_not_imported_anew():
    path = put("half.py", HALF.format(name="half"))
    plugins.load([path])
    path.write_text(path.read_text() + "\nx = 1\n")
    assert "has changed since it was imported here; start Python anew" in refused("half.py")


def test_the_digest_is_of_what_an_import_executes():
    def digest(name: str, more: str) -> str:
        plugins.load([put(f"{name}.py", HALF.format(name="half") + more)])
        found = plugins.code(["half"])["half"]
        assert found["file"] == f"{name}.py"
        for registered in (registry._classes, registry._infos):
            del registered["half"]
        return found["digest"]

    guarded = '\n\nif __name__ == "__main__":\n    print(1)\n'
    assert len(digest("a", "")) == 16
    assert digest("b", "") == digest("c", guarded) == digest("d", guarded.replace("1", "2"))
    assert digest("e", "") != digest("f", "\nx = 1\n")


def test_another_process_knows_them_too():
    put("half.py", HALF.format(name="half"))
    plugins.load([Path("half.py")])
    script = (
        "import pickle, sys, variants\nfrom sambench import plugins\n"
        "plugins.load_modules(pickle.loads(sys.stdin.buffer.read()))\n"
        "assert 'half' in variants.names()"
    )
    import pickle

    sent = pickle.dumps(plugins.known(["half"]))
    subprocess.run([sys.executable, "-c", script], input=sent, check=True, timeout=120)


def test_a_machine_without_the_file_has_it_as_a_package_or_says_so():
    put("half_installed.py", HALF.format(name="half"))
    known = plugins.Plugin("half_installed", Path("/elsewhere/half_installed.py"), ("half",))
    sys.path.insert(0, str(Path.cwd()))
    plugins.load_modules([known])
    assert "half" in variants.names()
    lacking = plugins.Plugin("half_lacking", Path("/elsewhere/half_lacking.py"), ("other",))
    with pytest.raises(UserError, match=r"has no /elsewhere/half_lacking\.py, which registers oth"):
        plugins.load_modules([lacking])


def test_guards():
    assert plugins.is_guarded(put("a.py", 'if __name__ == "__main__":\n    pass\n'))
    assert not plugins.is_guarded(put("b.py", "print(1)\n"))
    assert not plugins.is_guarded(put("c.py", "def f(:\n"))
    assert not plugins.is_guarded(Path("none.py"))
