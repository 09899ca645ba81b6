"""The figures of a study as they stand beside its page, with matplotlib or without."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

from sambench.report import numbers
from sambench.report.analysis import Analysis

SIGNED = re.compile(r"<!-- matplotlib (\S+) -->\s*\Z")
LINK = re.compile(r"^!\[(.*)\]\((\S+\.svg)\)$", re.MULTILINE)


@dataclass(frozen=True)
class Drawing:
    """Figures to write, all that the page links, and what was left as it is."""

    texts: dict[str, str] = field(default_factory=dict)
    """file name -> SVG"""
    links: tuple[tuple[str, str], ...] = ()
    """address relative to the page, text for who cannot see it"""
    kept: str = ""
    """why figures were not compared, "" if they were"""


def draw(
    name: str,
    analysis: Analysis,
    tables: Mapping[str, pd.DataFrame],
    folder: Path,
    *,
    check: bool = False,
) -> Drawing:
    """All figures. Those on disk stay where matplotlib is missing, and, when only comparing, where
    another version drew them: it draws other bytes."""
    own = installed()
    if own is None:
        links = tuple((path, alt) for alt, path in LINK.findall(_page(folder / f"{name}.md")))
        return Drawing({}, links, f"figures of {name} left as they are: no matplotlib")
    from sambench.report import figures

    drawn = figures.render(tables, configurations(analysis))
    texts = {f"{name}/{d.name}.svg": f"{d.svg}<!-- matplotlib {own} -->\n" for d in drawn}
    links = tuple((f"{name}/{d.name}.svg", d.alt) for d in drawn)
    others = {drawn_by(folder / path) for path in texts} - {own, None}
    if check and others:
        kept = f"figures of {name} not compared: drawn by matplotlib {others.pop()}, here is {own}"
        return Drawing({}, links, kept)
    return Drawing(texts, links)


def installed() -> str | None:
    """matplotlib's version."""
    try:
        return version("matplotlib")
    except PackageNotFoundError:
        return None


def drawn_by(path: Path) -> str | None:
    """The version that drew a figure on disk; None if there is none, or it does not say."""
    found = SIGNED.search(path.read_text(encoding="utf-8")) if path.is_file() else None
    return found[1] if found else None


def configurations(analysis: Analysis) -> dict[str, str]:
    """Variant -> "lr 0.1, rho 0.05, 10 epochs"."""
    found = {}
    for row in analysis.rows:
        if row.settings:
            rho = row.settings.rho
            radius = "" if rho is None else f", rho {numbers.setting(rho)}"
            lr = numbers.setting(row.settings.lr)
            found[row.label] = f"lr {lr}{radius}, {row.settings.epochs} epochs"
    return found


def _page(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
