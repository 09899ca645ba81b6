"""The pools in parts, by the kind of machine that ran their points."""

from collections.abc import Sequence

from sambench.analysis import Estimate, Half, numbers
from sambench.render.tables.table import ARM, Cell, Column, Table, measured, number, of, text


def kinds(found: Sequence[Half]) -> dict[str, str]:
    """Kind of machine -> a letter that stands for it."""
    known = dict.fromkeys(machine for half in found for machine in half.machines)
    return {machine: chr(ord("A") + i) for i, machine in enumerate(known)}


def _score(found: Estimate) -> Cell:
    return number(numbers.accuracy(found), found.value)


def table(found: Sequence[Half]) -> Table:
    """Empty where all ran on one kind."""
    letters = kinds(found)
    columns: Sequence[Column[Half]] = (
        Column("arm", lambda half: text(half.label), number=False, hint=ARM),
        Column(
            "machines",
            lambda half: text(" and ".join(letters[one] for one in half.machines)),
            number=False,
            hint="Kinds by their letters",
        ),
        Column(
            "tuned(k), %, on the first",
            lambda half: _score(half.scores[0]),
            hint="From its points on that kind alone, ± its 95% interval",
        ),
        Column(
            "on the second",
            lambda half: _score(half.scores[1]),
            hint="From its points on that kind alone, ± its 95% interval",
        ),
        Column(
            "first minus second [95% CI]",
            lambda half: number(numbers.difference(half.difference), half.difference.value),
            hint="In points",
        ),
        Column(
            "SE",
            lambda half: measured(half.error, numbers.percent),
            hint="Standard error of that difference, in points",
        ),
    )
    return of(found, columns, "The same on other machines")
