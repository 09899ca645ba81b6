"""The interactive page of all studies: one file, read from disk, that asks no network."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from sambench.analysis import PublishedStudies
from sambench.bench import Bench
from sambench.render.figures import css
from sambench.render.html import studies as studies_
from sambench.render.html import variants as variants_
from sambench.render.study_files import StudyFiles
from sambench.render.tables import benchmarks, over_tasks

if TYPE_CHECKING:
    from variants import VariantInfo

HERE = Path(__file__).parent


def render(
    published: PublishedStudies,
    files: Mapping[str, StudyFiles],
    folder: Path,
    benches: Mapping[str, Sequence[Bench]],
    infos: Mapping[str, "VariantInfo"],
) -> str:
    """The page index.html of a folder; same records, benchmarks and variants, same bytes."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = {name: published.read[name] for name in sorted(published.read)}
    recorded = {row.key for study in found.values() for row in study.leaderboard.rows}
    keys = sorted({*infos, *recorded})
    hrefs = {key: f"#{variants_.id_of(key)}" for key in keys}
    studies = [
        studies_.section(name, study, files[name], folder, hrefs) for name, study in found.items()
    ]
    pages = variants_.pages(keys, studies, infos)
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _code
    script = (HERE / "script.js").read_text(encoding="utf-8")
    return environment.get_template("page.html").render(
        studies=studies,
        unreadable=sorted(published.unreadable),
        across=over_tasks.by_study(found, hrefs),
        variants=pages,
        catalogue=variants_.catalogue(pages),
        costs=[benchmarks.sortable(bench) for own in benches.values() for bench in own],
        style=(HERE / "style.css").read_text(encoding="utf-8") + css(".sambench-figure"),
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    ) + "\n"  # fmt: skip


def _code(sentence: str) -> Markup:
    """What stands between backticks in markdown."""
    parts = [
        f"<code>{part}</code>" if i % 2 else part
        for i, part in enumerate(str(escape(sentence)).split("`"))
    ]
    return Markup("".join(parts))
