"""The pools in parts, by the kind of machine that ran their points."""

from collections.abc import Sequence
from functools import partial

from sambench.analysis import Estimate, Half, numbers
from sambench.render.tables.table import ARM, Cell, Column, Table, measured, number, of, text
from sambench.scores import Score


def kinds(found: Sequence[Half]) -> dict[str, str]:
    """Kind of machine -> a letter that stands for it."""
    known = dict.fromkeys(machine for half in found for machine in half.machines)
    return {machine: chr(ord("A") + i) for i, machine in enumerate(known)}


def table(found: Sequence[Half], score: Score) -> Table:
    """Empty where all ran on one kind; `score`: what the study goes by."""
    letters = kinds(found)

    def cell(own: Estimate) -> Cell:
        return number(numbers.estimate(own, score), own.value)

    columns: Sequence[Column[Half]] = (
        Column("arm", lambda half: text(half.label), number=False, hint=ARM),
        Column(
            "machines",
            lambda half: text(" and ".join(letters[one] for one in half.machines)),
            number=False,
            hint="Kinds by their letters",
        ),
        Column(
            f"tuned(k), {score.shown_in}, on the first",
            lambda half: cell(half.scores[0]),
            hint="From its points on that kind alone, ± its 95% interval",
        ),
        Column(
            "on the second",
            lambda half: cell(half.scores[1]),
            hint="From its points on that kind alone, ± its 95% interval",
        ),
        Column(
            "first minus second [95% CI]",
            lambda half: number(numbers.difference(half.difference, score), half.difference.value),
            hint=f"In {score.gaps}",
        ),
        Column(
            "SE",
            lambda half: measured(half.error, partial(numbers.score, of=score)),
            hint=f"Standard error of that difference, in {score.gaps}",
        ),
    )
    return of(found, columns, "The same on other machines")
