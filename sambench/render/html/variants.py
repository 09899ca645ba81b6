"""A variant as a page shows it: what it computes, and what became of it in all studies."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sambench.analysis import Row
from sambench.render.figures.plot import slug
from sambench.render.html.entries import Entry
from sambench.render.page import Term
from sambench.render.tables import Table, ranking, variants

if TYPE_CHECKING:
    from variants import VariantInfo


@dataclass(frozen=True)
class Page:
    """`info` is None for a variant of the records that is not installed here."""

    key: str
    info: "VariantInfo | None"
    description: Sequence[tuple[bool, str]]  # whether it is a formula, text
    hyperparameters: Table | None
    results: Table | None

    @property
    def id(self) -> str:
        return id_of(self.key)

    @property
    def title(self) -> str:
        return self.info.title if self.info else self.key


def id_of(key: str) -> str:
    return f"variant-{slug(key)}"


def hrefs(keys: Sequence[str]) -> dict[str, str]:
    """Where a page tells of each."""
    return {key: f"#{id_of(key)}" for key in keys}


def pages(
    keys: Sequence[str], infos: Mapping[str, "VariantInfo"], studies: Sequence[Entry] = ()
) -> list[Page]:
    """One for each key."""
    return [_page(key, studies, infos.get(key)) for key in keys]


def terms(rows: Sequence[Row], infos: Mapping[str, "VariantInfo"]) -> Iterator[Term]:
    """What the name of each arm stands for."""
    for row in rows:
        if info := infos.get(row.key):
            first = next((text for formula, text in _paragraphs(info.doc) if not formula), "")
            length = (
                "" if row.length == 1 else f"Schedule: {row.length:.3g} times the study's epochs."
            )
            told = (f"{info.title}.", " ".join(first.split()), length)
            yield Term(row.label, " ".join(filter(None, told)))


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


def _page(key: str, studies: Sequence[Entry], info: "VariantInfo | None") -> Page:
    own = [
        variants.Result(
            study.leaderboard.study,
            study.address,
            row,
            _plain(study),
            study.leaderboard.score,
        )
        for study in studies
        for row in study.leaderboard.rows
        if row.key == key
    ]
    return Page(
        key=key,
        info=info,
        description=_paragraphs(info.doc) if info else (),
        hyperparameters=(variants.hyperparameters(info) if info and info.hyperparameters else None),
        results=variants.results(own) if own else None,
    )


def _plain(study: Entry) -> str:
    """The best arm of the baseline."""
    best = ranking.best_plain(study.leaderboard.rows)
    return best.label if best else ""


def _paragraphs(doc: str) -> list[tuple[bool, str]]:
    """A paragraph with equations keeps its lines."""
    found = [part.strip("\n") for part in doc.split("\n\n") if part.strip()]
    return [(_is_formula(part), part) for part in found]


def _is_formula(part: str) -> bool:
    return all(" = " in line or line.startswith(" ") for line in part.splitlines())
