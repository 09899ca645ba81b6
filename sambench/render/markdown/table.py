"""A table in markdown, aligned so that it also reads well raw."""

from sambench.render import texts
from sambench.render.tables import Table


def markdown(table: Table) -> str:
    lines = [
        [texts.markdown(cell).replace("|", "\\|") for cell in line]
        for line in [table.names, *table.texts]
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )
