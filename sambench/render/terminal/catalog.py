"""The registered variants for a terminal and as JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from variants import VariantInfo
    from variants.core.protocol import Hyperparameter


def listing(infos: Sequence["VariantInfo"]) -> RenderableType:
    """All variants, a row each."""
    columns = ("key", "title", "year", "passes", "memory", "hyperparameters")
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for info in infos:
        settings = ", ".join(f"{n}={_plain(h.default)}" for n, h in info.hyperparameters.items())
        table.add_row(*map(Text, (info.name, info.title, *_figures(info), settings)))
    note = (
        "passes: gradient evaluations a step, at these hyperparameters. memory: peak beyond the "
        "base optimizer's, in copies of the parameters. "
    )
    return Group(table, Text(f"\n{note}More: sambench variants KEY"))


def _figures(info: "VariantInfo") -> tuple[str, str, str]:
    memory = "-" if info.copies is None else f"+{info.copies:g}"
    return str(info.year or "-"), f"{info.passes:.3g}", memory


def entry(info: "VariantInfo") -> RenderableType:
    """One variant: its formula and paper, where code and paper differ, its hyperparameters."""
    year, passes, memory = _figures(info)
    columns = ("hyperparameter", "default", "legal", "search range")
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for name, h in info.hyperparameters.items():
        table.add_row(*map(Text, (name, _plain(h.default), h.domain, _range(h))))
    source = f"{info.paper} ({year}), arXiv:{info.arxiv}" if info.arxiv else info.paper
    cost = f"{passes} gradient evaluations a step, {memory} copies of the parameters in memory"
    needs = f"\nneeds: {', '.join(sorted(info.needs))}" if info.needs else ""
    head = Text(f"{info.name}: {info.title}\n", style="bold")
    searched = f"\nsearched by default: lr and {info.radius}" if info.radius else ""
    lines = [part for part in (source, f"cost: {cost}{needs}{searched}") if part]
    return Group(head, Text("\n".join(lines) + f"\n\n{info.doc}\n"), table)


def as_dict(info: "VariantInfo") -> dict[str, Any]:
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


def _plain(default: Any) -> str:
    return f"{default:g}" if isinstance(default, float) else str(default)


def _range(h: "Hyperparameter") -> str:
    if h.range is None:
        return "-"
    low, high = h.range
    return f"{low:g} to {high:g}{', log' if h.log else ''}"
