"""Numbers of papers, as the study file quotes them."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from sambench.render.tables.table import Cell, Column, Table, number, of, text


class Quoted(TypedDict):
    """A result that is published elsewhere; accuracy and sd in percent."""

    variant: str
    accuracy: float
    sd: NotRequired[float | None]
    source: str
    note: NotRequired[str]


def _accuracy(row: Quoted) -> Cell:
    sd = row.get("sd")
    shown = f"{row['accuracy']:.2f}{f' ± {sd:.2f}' if sd else ''}"
    return number(shown, row["accuracy"])


def _source(row: Quoted) -> Cell:
    source = row["source"]
    return Cell(source, source, source if source.startswith(("https://", "http://")) else "")


COLUMNS: Sequence[Column[Quoted]] = (
    Column("variant", lambda row: text(row["variant"]), number=False, hint="As it is called there"),
    Column("accuracy, %", _accuracy, hint="± standard deviation, where it is given"),
    Column("source", _source, number=False, hint="Where it was published"),
    Column(
        "note",
        lambda row: text(row.get("note") or ""),
        number=False,
        hint="What else the study file says of it",
    ),
)


def table(given: Sequence[Quoted]) -> Table:
    after = "Other code, other tuning, other machines: shown, never ranked. ±: standard deviation."
    return of(given, COLUMNS, "Published elsewhere", muted=True, after=after)
