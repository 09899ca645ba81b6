"""Variants of installed packages: found by entry point, imported late, harmless when broken."""

import importlib
import importlib.metadata
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import variants
from variants.core import plugins, registry

RULE = '''
from variants import Update, Variant, hyper, register


@register({name!r}, title="Half", year=2026)
class Half(Variant):
    """direction = scale * grad L(w)"""

    scale: float = hyper(0.5, ge=0)

    @property
    def passes(self):
        return 1.0

    def direction(self, oracle, state):
        grads = oracle.grad().grads
        return Update({{n: self.scale * g for n, g in grads.items()}}), state
'''


def wheel(folder: Path, package: str, source: str, entry: str) -> Path:
    """A pure wheel as any build backend writes it: the module and its dist-info."""
    info = f"{package}-1.0.dist-info"
    files = {
        f"{package}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[sambench.variants]\n{entry}\n",
    }
    path = folder / f"{package}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": "\n".join(files)}.items():
            archive.writestr(name, text)
    return path


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages, and a registry that has not looked for plug-ins yet."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    monkeypatch.setattr(registry, "_infos", dict(registry._infos))
    monkeypatch.setattr(plugins, "failures", {})
    monkeypatch.setattr(plugins, "_loaded", False)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        del sys.modules[name]


def install(site: Path, package: str, source: str, entry: str) -> None:
    """What an installer does with a pure wheel: it unpacks it."""
    with zipfile.ZipFile(wheel(site.parent, package, source, entry)) as archive:
        archive.extractall(site)
    importlib.invalidate_caches()


def test_an_installed_package_adds_its_variant(site):
    install(site, "tiny_half", RULE.format(name="half"), "half = tiny_half:Half")
    assert importlib.metadata.version("tiny_half") == "1.0"
    assert "tiny_half" not in sys.modules  # lazily: nobody has asked yet
    assert "half" in variants.names()
    assert variants.info("half").title == "Half"
    assert variants.create("half", scale=0.25).passes == 1
    with pytest.raises(ValueError, match="did you mean half"):
        variants.create("hlaf")


def test_create_alone_finds_it(site):
    install(site, "tiny_half", RULE.format(name="half"), "half = tiny_half")
    assert variants.create("half").passes == 1


def test_a_broken_plugin_is_one_line_and_harms_nobody(site):
    install(site, "tiny_broken", "import no_such_module", "broken = tiny_broken")
    install(site, "tiny_half", RULE.format(name="half"), "half = tiny_half")
    with pytest.warns(UserWarning) as caught:
        assert {"half", "sam"} <= set(variants.names())
    (line,) = [str(w.message) for w in caught]
    assert line == (
        "variant plug-in 'broken' of tiny_broken 1.0 is not used: "
        "ModuleNotFoundError: No module named 'no_such_module'"
    )
    assert "broken" not in variants.names()  # and no second warning
    with pytest.raises(ValueError, match=r"unknown variant 'broken': .* No module named"):
        variants.create("broken")


@pytest.mark.parametrize(
    "source",
    ["raise SystemExit(3)", "def f(:", "x = 1", "raise RuntimeError('two\\nlines')"],
    ids=["exits", "syntax", "registers nothing", "long message"],
)
def test_every_way_to_break_is_one_line(site, source):
    install(site, "tiny_broken", source, "broken = tiny_broken")
    with pytest.warns(UserWarning, match="'broken' of tiny_broken 1.0 is not used") as caught:
        assert "sam" in variants.names()
    assert len(caught) == 1 and "\n" not in str(caught[0].message)


def test_an_entry_point_without_its_module(site):
    install(site, "tiny_gone", "", "gone = tiny_gone.inner:Missing")
    with pytest.warns(UserWarning, match="'gone' of tiny_gone 1.0 is not used: ModuleNotFound"):
        assert "gone" not in variants.names()


def test_a_clash_leaves_the_builtin_and_nothing_of_the_plugin(site):
    source = RULE.format(name="other_half") + RULE.format(name="sam")
    install(site, "tiny_clash", source, "sam = tiny_clash")
    with pytest.warns(UserWarning, match="variant 'sam' is taken, by variants.sam"):
        known = variants.names()
    assert variants.info("sam").title == "SAM"
    assert "other_half" not in known
    with pytest.raises(ValueError, match=r"unknown variant 'other_half': .* is taken"):
        variants.create("other_half")


def test_of_two_plugins_with_one_name_one_is_used(site):
    install(site, "tiny_first", RULE.format(name="half"), "half = tiny_first")
    install(site, "tiny_second", RULE.format(name="half"), "half = tiny_second")
    with pytest.warns(UserWarning, match="tiny_second 1.0 is not used: .* by tiny_first"):
        assert "half" in variants.names()
    assert variants.create("half").passes == 1


def test_warnings_as_errors_lose_no_plugin(site):
    install(site, "tiny_broken", "1 / 0", "broken = tiny_broken")
    install(site, "tiny_half", RULE.format(name="half"), "half = tiny_half")
    with pytest.raises(UserWarning, match="ZeroDivisionError"):  # pytest runs with -W error
        variants.names()
    assert "half" in variants.names()


def test_a_plugin_may_look_at_the_registry_while_it_is_imported(site):
    source = "import variants\nassert 'sam' in variants.names()\n" + RULE.format(name="half")
    install(site, "tiny_half", source, "half = tiny_half")
    assert "half" in variants.names()


def test_in_a_fresh_process(site):
    """`import variants` reads no entry point; the first question does."""
    install(site, "tiny_half", RULE.format(name="half"), "half = tiny_half")
    install(site, "tiny_broken", "1 / 0", "broken = tiny_broken")
    script = (
        "import sys, variants; assert 'tiny_half' not in sys.modules; "
        "print('half' in variants.names(), variants.create('half', scale=0.1))"
    )
    root = str(Path(variants.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), root])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True Half(scale=0.1)\n"
    assert done.stderr.count("UserWarning: variant plug-in 'broken'") == 1
