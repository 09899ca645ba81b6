"""What `pip install .` puts on a machine."""

import re
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_wheel_carries_packages_and_study_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = pytest.importorskip("hatchling.build")
    monkeypatch.chdir(ROOT)
    with zipfile.ZipFile(tmp_path / build.build_wheel(str(tmp_path))) as wheel:
        found = set(wheel.namelist())
        entry_points = wheel.read(next(n for n in found if n.endswith("entry_points.txt")))
    assert {f"sambench/studies/{path.name}" for path in ROOT.glob("studies/*.toml")} <= found
    assert {"sambench/studies/study.schema.json", "sambench/py.typed", "variants/py.typed"} <= found
    assert {"variants/sam.py", "variants/testing/__init__.py", "sambench/cli/app.py"} <= found
    assert not any(name.startswith("tests/") for name in found)
    assert b"sambench = sambench.cli:main" in entry_points


def test_the_version_is_the_newest_that_the_changelog_tells_of():
    released = re.findall(
        r"^## (\d\S*) - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == released[0]
