"""The figures of a study as they stand beside its page, drawn again only where their data changed.

Each file ends in a seal: which of how many figures it is, a digest of all that it was drawn from
(the tidy tables and the code that draws), and a check of its own bytes.
"""

import hashlib
import html
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from sambench.analysis import Leaderboard, PublishedStudy, numbers
from sambench.render.harmless import is_harmless

if TYPE_CHECKING:
    from sambench.render.figures import Drawn

SEAL = re.compile(
    r"<!-- figure (?P<place>\d+) of (?P<num>\d+), matplotlib \S+, from (?P<source>\w+), "
    r"check (?P<check>\w{8}) -->\n\Z"
)
ALT = re.compile(r'<svg [^>]*aria-label="([^"]*)"')
LINK = re.compile(r"^!\[(.*)\]\((\w[\w.-]*/[\w-]+\.svg)\)$", re.MULTILINE)
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Drawing:
    """All that the page links, the files behind it, and what was left as it is."""

    texts: dict[str, str] = field(default_factory=dict)
    """file name -> SVG"""
    links: tuple[tuple[str, str], ...] = ()
    """address relative to the page, text for who cannot see it"""
    kept: str = ""
    """why figures were not compared, "" if they were"""


def draw(name: str, study: PublishedStudy, texts: Mapping[str, str], folder: Path) -> Drawing:
    """All figures, of tables whose CSV texts these are; those in FOLDER/NAME that fit them stay.

    They fit whichever matplotlib drew them, and stay in any case where there is none.
    """
    named = configurations(study.leaderboard)
    source = _digest({**texts, "configurations": repr(named)})
    if found := _standing(folder, name, source):
        return found
    try:
        own = version("matplotlib")
    except PackageNotFoundError:
        linked = LINK.findall(_text(folder / f"{name}.md"))
        links = tuple((path, alt) for alt, path in linked if path.startswith(f"{name}/"))
        return Drawing({}, links, f"figures of {name} left as they are: no matplotlib")
    from sambench.render import figures

    drawn = figures.render(study.tables, named)
    links = tuple((f"{name}/{figure.name}.svg", figure.alt) for figure in drawn)
    return Drawing(_sealed(name, drawn, f"matplotlib {own}, from {source}"), links)


def configurations(leaderboard: Leaderboard) -> dict[str, str]:
    """Variant -> "lr 0.1, rho 0.05, 10 epochs"."""
    found = {}
    for row in leaderboard.rows:
        if row.settings:
            rho = row.settings.rho
            radius = "" if rho is None else f", rho {numbers.setting(rho)}"
            lr = numbers.setting(row.settings.lr)
            found[row.label] = f"lr {lr}{radius}, {row.settings.epochs} epochs"
    return found


def _sealed(name: str, drawn: "Sequence[Drawn]", source: str) -> dict[str, str]:
    return {
        f"{name}/{figure.name}.svg": f"{figure.svg}<!-- figure {i} of {len(drawn)}, {source}, "
        f"check {_check(figure.svg)} -->\n"
        for i, figure in enumerate(drawn, 1)
    }


def _standing(folder: Path, name: str, source: str) -> Drawing | None:
    """The figures on disk, if they are all of those that this source gives, and whole."""
    found: dict[int, tuple[str, str]] = {}
    num = None
    for path in (folder / name).glob("*.svg"):
        text = _text(path)
        seal = SEAL.search(text, max(0, len(text) - 200))
        whole = seal and seal["source"] == source and seal["check"] == _check(text[: seal.start()])
        if seal and whole and is_harmless(text):  # whoever can count can seal
            num = int(seal["num"])
            found[int(seal["place"])] = f"{name}/{path.name}", text
    if num is None or len(found) != num:
        return None
    texts = dict(found[place] for place in sorted(found))
    alts = {path: ALT.search(text) for path, text in texts.items()}
    links = tuple((path, html.unescape(alt[1]) if alt else "") for path, alt in alts.items())
    return Drawing(texts, links)


def _digest(texts: Mapping[str, str]) -> str:
    total = hashlib.blake2b(_code(), digest_size=8)
    for name in sorted(texts):
        total.update(f"{name} {len(texts[name])}\n".encode())
        total.update(texts[name].encode())
    return total.hexdigest()


@cache
def _code() -> bytes:
    """The code that draws."""
    files = [HERE.parent / "analysis" / "numbers.py", *sorted((HERE / "figures").glob("*.py"))]
    return b"".join(path.read_bytes() for path in files)


def _check(svg: str) -> str:
    return f"{zlib.crc32(svg.encode()):08x}"


def _text(path: Path) -> str:
    """ "" for what is no text file."""
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except ValueError:
        return ""
