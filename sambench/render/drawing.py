"""The figures of a study as they stand beside its page, drawn again only where their data changed.

Each file ends in a seal (`sambench.render.seal`), whose source is a digest of all that it was drawn
from: the tidy tables and the code that draws.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sambench.analysis import Leaderboard, PublishedStudy
from sambench.config import baselines
from sambench.render.figures import Chosen
from sambench.render.harmless import alt, is_harmless
from sambench.render.seal import Seal, is_whole, read, sealed

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
    told, use = chosen(study.leaderboard), study.leaderboard.use or ""
    score = study.leaderboard.score
    bases = baselines({row.label: row.key for row in study.leaderboard.rows})
    source = _digest({**texts, "marked": repr((bases, told, use, score))})
    if found := _standing(folder, name, source):
        return found
    try:
        own = version("matplotlib")
    except PackageNotFoundError:
        links = _links(_sealed(folder, name))
        return Drawing({}, links, f"figures of {name} left as they are: no matplotlib")
    from sambench.render import figures

    drawn = figures.render(study.tables, bases, told, use, score)
    found = {
        f"{name}/{figure.name}.svg": sealed(figure.svg, Seal(place, len(drawn), own, source))
        for place, figure in enumerate(drawn, 1)
    }
    return Drawing(found, _links(found))


def save_figure(study: PublishedStudy, name: str, path: Path) -> None:
    """One of a study's figures as a file for a paper: .pdf, .eps, .png, ..."""
    from sambench.render import figures

    told, use = chosen(study.leaderboard), study.leaderboard.use or ""
    score = study.leaderboard.score
    bases = baselines({row.label: row.key for row in study.leaderboard.rows})
    figures.save(name, path, study.tables, bases, told, use, score)


def chosen(leaderboard: Leaderboard) -> dict[str, Chosen]:
    """Each arm's setting to use."""
    own = {row.label: row.setting for row in leaderboard.rows}
    return {v: Chosen(at.lr, at.rho, at.epochs) for v, at in own.items() if at}


def _standing(folder: Path, name: str, source: str) -> Drawing | None:
    """The figures on disk, if they are all of those that this source gives, and whole."""
    found = {
        path: text
        for path, text in _sealed(folder, name, source).items()
        if is_whole(text) and is_harmless(text)  # whoever can count can seal
    }
    nums = {seal.num for text in found.values() if (seal := read(text))}
    return Drawing(found, _links(found)) if nums == {len(found)} else None


def _sealed(folder: Path, name: str, source: str | None = None) -> dict[str, str]:
    """The files with a seal, of this source if one is given, by address and in their order."""
    found: dict[int, tuple[str, str]] = {}
    for path in sorted((folder / name).glob("*.svg")):
        text = _text(path)
        if (seal := read(text)) and source in (None, seal.source):
            found.setdefault(seal.place, (f"{name}/{path.name}", text))
    return dict(found[place] for place in sorted(found))


def _links(figures: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((path, alt(text)) for path, text in figures.items())


def _digest(texts: Mapping[str, str]) -> str:
    total = hashlib.blake2b(_code(), digest_size=8)
    for name in sorted(texts):
        total.update(f"{name} {len(texts[name])}\n".encode())
        total.update(texts[name].encode())
    return total.hexdigest()


@cache
def _code() -> bytes:
    """The code that draws."""
    room = HERE.parent
    files = [
        room / "scores.py",
        room / "analysis" / "numbers.py",
        *sorted((HERE / "figures").glob("*.py")),
    ]
    return b"".join(path.read_bytes() for path in files)


def _text(path: Path) -> str:
    """ "" for what is no text file."""
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except ValueError:
        return ""
