"""Which files of a folder are ours to replace or remove: each kind has a mark that it is known by.

Nothing else is touched, whatever its name: it is the user's.
"""

from collections.abc import Mapping
from pathlib import Path

from sambench.errors import UserError
from sambench.render import seal

INDEX = "generated from the records beside it by `python -m sambench leaderboard`"
STUDY = "The full study file and every run are in the records, `"
COSTS = "What a step costs, measured by `python -m sambench bench`."
HTML = "Generated from the records by <code>python -m sambench leaderboard --html</code>"
RECORDS = '# {"'
BENCHES = b'[\n{"model": '


def check(texts: Mapping[Path, str]) -> None:
    """UserError for the first of these files that exists and is none of ours."""
    for path, text in texts.items():
        if (path.exists() or path.is_symlink()) and not is_ours(path, text):
            raise UserError(
                f"{path} was not made by sambench and would be replaced; move it away, or choose "
                "another folder"
            )


def is_ours(path: Path, text: str = "") -> bool:
    """Whether a file has the mark of its kind; a table that of the one that would replace it."""
    if not path.is_file():
        return False
    content = path.read_bytes()
    match path.suffix:
        case ".md":
            return any(mark.encode() in content for mark in (INDEX, STUDY, COSTS))
        case ".html":
            return HTML.encode() in content
        case ".svg":
            return seal.read(content.decode(errors="replace")) is not None
        case ".csv" if not text.startswith(RECORDS):
            return _are_alike(_columns(content), _columns(text.encode()))
        case ".csv":
            return content.removeprefix(b"\xef\xbb\xbf").startswith(RECORDS.encode())
        case ".json":
            return content.startswith(BENCHES)
    return False


def _columns(table: bytes) -> set[bytes]:
    return set(table.split(b"\n", 1)[0].rstrip(b"\r").split(b","))


def _are_alike(found: set[bytes], wanted: set[bytes]) -> bool:
    """Most of their columns are the same: another version may have named some otherwise."""
    return 2 * len(found & wanted) > len(found | wanted)
