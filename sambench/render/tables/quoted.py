"""Numbers of papers, as the study file quotes them."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from sambench.analysis import NONE
from sambench.render.tables.table import Cell, Column, Table, number, of, text
from sambench.scores import Score


class Quoted(TypedDict):
    """A result that is published elsewhere: accuracy in percent, or a score in its own unit."""

    variant: str
    accuracy: NotRequired[float]
    score: NotRequired[float]
    sd: NotRequired[float | None]
    source: str
    note: NotRequired[str]


def _accuracy(row: Quoted) -> Cell:
    sd, accuracy = row.get("sd"), row.get("accuracy")
    if accuracy is None:
        return number(NONE, None)
    return number(f"{accuracy:.2f}{f' ± {sd:.2f}' if sd else ''}", accuracy)


def _score(row: Quoted) -> Cell:
    """As it is quoted."""
    sd, score = row.get("sd"), row.get("score")
    if score is None:
        return number(NONE, None)
    return number(f"{score:g}{f' ± {sd:g}' if sd else ''}", score)


def _source(row: Quoted) -> Cell:
    source = row["source"]
    return Cell(source, source, source if source.startswith(("https://", "http://")) else "")


ACCURACY = "accuracy, %"
SPREAD = "± standard deviation, where it is given"
COLUMNS: Sequence[Column[Quoted]] = (
    Column("variant", lambda row: text(row["variant"]), number=False, hint="As it is called there"),
    Column(ACCURACY, _accuracy, hint=SPREAD),
    Column("source", _source, number=False, hint="Where it was published"),
    Column(
        "note",
        lambda row: text(row.get("note") or ""),
        number=False,
        hint="What else the study file says of it",
    ),
)


def table(given: Sequence[Quoted], score: Score) -> Table:
    """`score`: what the study goes by."""
    name = score.named("test")
    scored = Column[Quoted](name, _score, hint=SPREAD)
    after = "Other code, other tuning, other machines: shown, never ranked. ±: standard deviation."
    columns = [*COLUMNS[:2], scored, *COLUMNS[2:]]
    found = of(given, columns, "Published elsewhere", muted=True, after=after)
    return found.without_empty([ACCURACY, name])
