"""A variant as the page shows it: what it computes, and what became of it in all studies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sambench.analysis import Row, numbers
from sambench.render.figures.plot import slug
from sambench.render.html.cells import Cell, Column, Table, columns, number, text
from sambench.render.html.studies import Study

if TYPE_CHECKING:
    from variants import VariantInfo
    from variants.core.protocol import Hyperparameter


@dataclass(frozen=True)
class Page:
    """`info` is None for a variant of the records that is not installed here."""

    id: str
    key: str
    info: "VariantInfo | None"
    description: Sequence[tuple[bool, str]]  # whether it is a formula, text
    hyperparameters: Table | None
    results: Table | None


def ids(keys: Sequence[str]) -> dict[str, str]:
    return {key: f"variant-{slug(key)}" for key in keys}


def pages(
    keys: Sequence[str], studies: Sequence[Study], infos: Mapping[str, "VariantInfo"]
) -> list[Page]:
    """One for each key."""
    return [_page(key, studies, infos.get(key)) for key in keys]


def catalogue(found: Sequence[Page]) -> Table:
    """All variants in one table."""
    heads = columns(
        "variant", "method", "year", "gradients a step", "memory, copies", "studies",
        numbers=("year", "gradients a step", "memory, copies", "studies"),
    )  # fmt: skip
    lines = []
    for page in found:
        info, num = page.info, len(page.results.rows) if page.results else 0
        lines.append(
            [
                Cell(page.key, page.key, f"#{page.id}"),
                text(info.title if info else "not installed here"),
                number(str(info.year) if info and info.year else "-", info and info.year),
                number(f"{info.passes:.3g}" if info else "-", info.passes if info else None),
                _copies(info.copies if info else None),
                number(str(num or "-"), num),
            ]
        )  # fmt: skip
    return Table("All variants", heads, lines, filtered=True)


def _copies(num: float | None) -> Cell:
    return number("-" if num is None else f"+{num:g}", num)


def _page(key: str, studies: Sequence[Study], info: "VariantInfo | None") -> Page:
    own = [(study, row) for study in studies for row in study.board.analysis.rows if row.key == key]
    return Page(
        id=ids([key])[key],
        key=key,
        info=info,
        description=_paragraphs(info.doc) if info else (),
        hyperparameters=_hyperparameters(info.hyperparameters) if info else None,
        results=_results(own) if own else None,
    )


def _paragraphs(doc: str) -> list[tuple[bool, str]]:
    """A paragraph with equations keeps its lines."""
    found = [part.strip("\n") for part in doc.split("\n\n") if part.strip()]
    return [(_is_formula(part), part) for part in found]


def _is_formula(part: str) -> bool:
    return all(" = " in line or line.startswith(" ") for line in part.splitlines())


def _hyperparameters(given: Mapping[str, "Hyperparameter"]) -> Table | None:
    if not given:
        return None
    lines = [
        [text(name), text(h.default), text(h.domain), text(_range(h))] for name, h in given.items()
    ]
    heads = columns("hyperparameter", "default", "legal", "search range")
    return Table("Hyperparameters", heads, lines)


def _range(h: "Hyperparameter") -> str:
    if h.range is None:
        return "-"
    return f"{h.range[0]:g} to {h.range[1]:g}{', log' if h.log else ''}"


def _results(own: Sequence[tuple[Study, Row]]) -> Table:
    heads = [
        Column("study"),
        Column("as"),
        Column("test accuracy, %", True),
        Column("seeds", True),
        Column("minus plain [95% CI]", True),
        Column("Holm p", True),
        Column("lr", True),
        Column("rho", True),
        Column("gradients over plain", True),
    ]
    return Table("Results", heads, [_result(study, row) for study, row in own])


def _result(study: Study, row: Row) -> list[Cell]:
    against, settings, cost = row.against, row.settings, row.cost
    gap = against.difference if against else None
    p = against.holm_p if against else None
    lr, rho = (settings.lr, settings.rho) if settings else (None, None)
    ratio = cost.ratio if cost else None
    return [
        Cell(study.board.analysis.study, study.board.analysis.study, f"#{study.id}"),
        text(row.label),
        number(numbers.accuracy(row.accuracy), row.accuracy.mean if row.accuracy else None),
        number(str(row.accuracy.n if row.accuracy else 0), row.accuracy.n if row.accuracy else 0),
        number(numbers.difference(gap), gap.mean if gap else None),
        number(numbers.p_value(p), p),
        number(numbers.setting(lr), lr),
        number(numbers.setting(rho), rho),
        number(numbers.ratio(ratio), ratio),
    ]
