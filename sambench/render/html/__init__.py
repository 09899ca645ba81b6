"""The interactive pages, one of each study and one of all: files that ask no network."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sambench.analysis import PublishedStudies, PublishedStudy, published
from sambench.bench import Bench
from sambench.render import ownership
from sambench.render.drawing import Drawing
from sambench.render.figures import css
from sambench.render.html import entries as entries_
from sambench.render.html import studies, variants
from sambench.render.html.glossary import Glossary
from sambench.render.page import Term
from sambench.render.place import INDEX, Place
from sambench.render.tables import benchmarks, over_tasks, ranking

if TYPE_CHECKING:
    from variants import VariantInfo

HERE = Path(__file__).parent
WORDS = (ranking.P, ranking.GROUP, ranking.COST)
"""Columns whose names the answers use."""


def study(
    found: PublishedStudy, place: Place, drawing: Drawing, infos: Mapping[str, "VariantInfo"]
) -> str:
    """The page of a study, whole in one file; the same records and variants, the same bytes."""
    rows = found.leaderboard.rows
    keys = sorted({row.key for row in rows})
    arms = variants.terms(rows, infos)
    section = studies.section(found, drawing, place.folder, variants.hrefs(keys), arms)
    return _rendered(
        "study.html",
        "script.js",
        study=section,
        glossary=section.glossary,
        home=place.home,
        variants=variants.pages(keys, infos),
        mark=ownership.STUDY_HTML,
        records=place.records,
    )


def index(
    found: PublishedStudies,
    benches: Mapping[str, Sequence[Bench]],
    infos: Mapping[str, "VariantInfo"],
) -> str:
    """The page of all studies of a folder, light, beside the pages of each."""
    recorded = {row.key for study in found.read.values() for row in study.leaderboard.rows}
    keys = sorted({*infos, *recorded})
    hrefs = variants.hrefs(keys)
    glossary = Glossary(Term(column.name, column.hint) for column in WORDS)
    entries = published.each(
        found,
        lambda name, own: entries_.entry(name, own, f"{name}/{INDEX}", glossary, hrefs),
        sorted(found.read),
    )
    pages = variants.pages(keys, infos, list(entries.values()))
    return _rendered(
        "folder.html",
        "script.js",
        "folder.js",
        entries=list(entries.values()),
        facets=entries_.facets(list(entries.values())),
        glossary=glossary,
        unreadable=sorted(found.unreadable),
        across=over_tasks.by_study(found.read, hrefs),
        variants=pages,
        catalogue=variants.catalogue(pages),
        costs=[benchmarks.sortable(bench) for own in benches.values() for bench in own],
        mark=ownership.INDEX_HTML,
    )


def _rendered(template: str, *scripts: str, **given: object) -> str:
    """With its style and scripts inside, and the digest that lets these alone run."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["whole"] = _whole
    script = "".join((HERE / name).read_text(encoding="utf-8") for name in scripts)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    style = (HERE / "style.css").read_text(encoding="utf-8") + css(".sambench-figure")
    page = environment.get_template(template)
    return page.render(**given, style=style, script=script, digest=digest) + "\n"


def _whole(text: str) -> str:
    """A number may break before its interval only.

    >>> _whole("+1.04 [-0.97, +3.04]").split(" ")
    ['+1.04', '[-0.97,\xa0+3.04]']
    """
    return text.replace(" ± ", "\u00a0±\u00a0").replace(", ", ",\u00a0")
