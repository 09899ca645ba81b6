"""The leaderboard's table: the columns that page and terminal share, and aligned markdown."""

from collections.abc import Sequence

from sambench.analysis import Row, numbers
from sambench.render import texts

COLUMNS = (
    "group",
    "variant",
    "test accuracy, % ± 95% CI",
    "seeds",
    "minus plain [unadjusted 95% CI]",
    "Holm p",
    "test-set SE",
    "lr",
    "rho",
    "epochs",
    "gradients",
    "step time",
    "runs",
)


def cells(row: Row) -> list[str]:
    """One text per column."""
    against, settings, cost = row.against, row.settings, row.cost
    return [
        row.group or numbers.NONE,
        row.label,
        numbers.accuracy(row.accuracy),
        str(row.accuracy.n if row.accuracy else 0),
        numbers.difference(against.difference) if against else numbers.NONE,
        numbers.p_value(against.holm_p if against else None),
        numbers.error(against.test_set_error if against else None),
        numbers.setting(settings.lr if settings else None),
        numbers.setting(settings.rho if settings else None),
        numbers.count(settings.epochs if settings else None),
        numbers.count(cost.gradient_evaluations if cost else None),
        numbers.ratio(cost.step_time if cost else None),
        "/".join(str(row.runs[outcome]) for outcome in ("complete", "pruned", "diverged")),
    ]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with padded cells, so that it also reads well raw."""
    lines = [
        [texts.markdown(cell).replace("|", "\\|") for cell in line] for line in [header, *rows]
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )
