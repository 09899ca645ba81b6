"""Where a study is, by what a user calls it; the same for every command."""

from collections.abc import Iterator
from pathlib import Path

from sambench.errors import UserError, echo, nearest

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (Path("studies"), _PACKAGE.parent / "studies", _PACKAGE / "studies")
"""Where names are looked up: the working directory, the checkout, the wheel."""
SUFFIX = ".toml"
KEPT = "study.json"
"""What a study that has runs keeps of itself in its folder."""
ROOT = Path("runs")


def find(source: str | Path, root: Path = ROOT) -> Path:
    """The file that tells of a study: a TOML file, or what is kept of one that has runs.

    A name is a path, NAME.toml here, studies/NAME.toml, one of those shipped, or a study in `root`.
    UserError where there is none.
    """
    for path in _candidates(Path(source), root):
        if path.is_file():
            return path
    raise UserError(_missing(Path(source), root))


def known(root: Path = ROOT) -> dict[str, Path]:
    """Every study that has a name: its file, or, where that is gone, what is kept in `root`."""
    kept = {path.parent.name: path for path in root.glob(f"*/{KEPT}")}
    folders = (*reversed(_FOLDERS), Path())
    files = {path.stem: path for folder in folders for path in sorted(folder.glob(f"*{SUFFIX}"))}
    files.pop("pyproject", None)
    return kept | files


def _candidates(source: Path, root: Path) -> Iterator[Path]:
    yield source
    yield source / KEPT
    if source.suffix.lower() == SUFFIX:
        return
    for folder in (Path(), *_FOLDERS):
        yield folder / f"{source}{SUFFIX}"
    yield root / source / KEPT


def _missing(source: Path, root: Path) -> str:
    """Why there is no such study, and which is nearest."""
    names = set(known(root))
    beside = [str(path) for path in sorted(source.parent.glob(f"*{SUFFIX}"))]
    name = echo(str(source))
    if source.is_dir():
        files = [str(path) for path in sorted(source.glob(f"*{SUFFIX}"))]
        return f"{name} is a folder; " + (nearest("", files) if files else "name a study file")
    if source.suffix.lower() != SUFFIX and source.parent == Path():
        return f"unknown study {name}, {nearest(source.name, names)}"
    if source.suffix == SUFFIX and source.stem in names:
        return f"no such file {name}; did you mean {source.stem}?"
    if source.parent != Path() and not source.parent.is_dir():
        return f"no such file {name}: there is no folder {echo(str(source.parent))}"
    return f"no such file {name}, {nearest(str(source), {*beside, *names})}"
