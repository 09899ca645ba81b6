"""A variant as the page shows it: what it computes, and what became of it in all studies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sambench.render.figures.plot import slug
from sambench.render.html.studies import Section
from sambench.render.tables import Table, ranking, variants

if TYPE_CHECKING:
    from variants import VariantInfo


@dataclass(frozen=True)
class Page:
    """`info` is None for a variant of the records that is not installed here."""

    id: str
    key: str
    info: "VariantInfo | None"
    description: Sequence[tuple[bool, str]]  # whether it is a formula, text
    hyperparameters: Table | None
    results: Table | None


def id_of(key: str) -> str:
    return f"variant-{slug(key)}"


def pages(
    keys: Sequence[str], studies: Sequence[Section], infos: Mapping[str, "VariantInfo"]
) -> list[Page]:
    """One for each key."""
    return [_page(key, studies, infos.get(key)) for key in keys]


def catalogue(found: Sequence[Page]) -> Table:
    """All variants in one table."""
    return variants.catalogue(
        [
            variants.Entry(
                page.key, f"#{page.id}", page.info, len(page.results.rows) if page.results else 0
            )
            for page in found
        ]
    )


def _page(key: str, studies: Sequence[Section], info: "VariantInfo | None") -> Page:
    own = [
        variants.Result(study.leaderboard.study, f"#{study.id}", row, _plain(study))
        for study in studies
        for row in study.leaderboard.rows
        if row.key == key
    ]
    return Page(
        id=id_of(key),
        key=key,
        info=info,
        description=_paragraphs(info.doc) if info else (),
        hyperparameters=(variants.hyperparameters(info) if info and info.hyperparameters else None),
        results=variants.results(own) if own else None,
    )


def _plain(study: Section) -> str:
    """The best arm of the baseline."""
    best = ranking.best_plain(study.leaderboard.rows)
    return best.label if best else ""


def _paragraphs(doc: str) -> list[tuple[bool, str]]:
    """A paragraph with equations keeps its lines."""
    found = [part.strip("\n") for part in doc.split("\n\n") if part.strip()]
    return [(_is_formula(part), part) for part in found]


def _is_formula(part: str) -> bool:
    return all(" = " in line or line.startswith(" ") for line in part.splitlines())
