"""The registered variants for a terminal and as JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from sambench.render.tables import variants
from sambench.render.terminal.table import wrapped

if TYPE_CHECKING:
    from variants import VariantInfo


def listing(infos: Sequence["VariantInfo"]) -> RenderableType:
    """All variants, a row each."""
    words = {"passes": variants.PASSES, "memory, at most": variants.MEMORY}
    notes = "\n".join(
        f"{word}: {meaning[0].lower()}{meaning[1:]}." for word, meaning in words.items()
    )
    table = wrapped(variants.listing(infos))
    return Group(table, Text(f"\n{notes}\nMore: sambench variants KEY"))


def entry(info: "VariantInfo") -> RenderableType:
    """One variant: its formula and paper, where code and paper differ, its hyperparameters."""
    year, passes, memory = (
        cell(info).text for cell in (variants.year, variants.passes, variants.copies)
    )
    source = f"{info.paper} ({year}), arXiv:{info.arxiv}" if info.arxiv else info.paper
    cost = f"{passes} gradient evaluations a step"
    if info.copies is not None:
        cost += f", at most {memory} copies of the parameters"
    needs = f"\nneeds: {', '.join(sorted(info.needs))}" if info.needs else ""
    head = Text(f"{info.name}: {info.title}\n", style="bold")
    searched = f"\nsearched by default: lr and {info.radius}" if info.radius else ""
    lines = [part for part in (source, f"cost: {cost}{needs}{searched}") if part]
    table = wrapped(variants.hyperparameters_in_short(info))
    return Group(head, Text("\n".join(lines) + f"\n\n{info.doc}\n"), table)


def as_dict(info: "VariantInfo") -> dict[str, object]:
    """Everything, for JSON."""
    return {
        "name": info.name,
        "title": info.title,
        "paper": info.paper,
        "arxiv": info.arxiv,
        "year": info.year,
        "passes": info.passes,
        "memory_copies": info.copies,
        "clean": info.clean,
        "dynamic": info.dynamic,
        "needs": sorted(info.needs),
        "radius": info.radius,
        "hyperparameters": {
            name: {
                "default": h.default
                if isinstance(h.default, int | float | str)
                else repr(h.default),
                "domain": h.domain,
                "range": h.range,
                "log": h.log,
                "choices": h.choices,
            }
            for name, h in info.hyperparameters.items()
        },
        "doc": info.doc,
    }
