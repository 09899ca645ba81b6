"""What a reader should know before believing a number."""

from collections.abc import Iterator, Sequence

from sambench.analysis import numbers
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Row
from sambench.stats import ALPHA

SURVIVAL = 0.01
"""A chance of this that a search has no survivor is worth a word."""


def warn(evidence: Evidence, rows: Sequence[Row]) -> Iterator[str]:
    """Of the study, then of each arm."""
    if swept := evidence.num_swept:
        verb = "is" if swept == 1 else "are"
        yield f"{_times(swept, 'trial')} of W&B sweeps {verb} shown, and count in no ranking."
    if n := evidence.strangers:
        yield f"{_times(n, 'run')} of arms that the header does not name: not counted."
    if n := evidence.size.extension:
        yield (
            f"The study was concluded {_times(n, 'time')} before, at other sizes: its claims are "
            f"tested at {evidence.size.alpha:g} instead of {ALPHA:g}."
        )
    yield from evidence.header.get("notes", ())
    yield from _chance(evidence.header.get("chance"), rows)
    for row in rows:
        yield from _warn(evidence, row)


def _chance(chance: float | None, rows: Sequence[Row]) -> Iterator[str]:
    """Who may have learned nothing: whose interval holds what a constant answer scores."""
    lows = {row.label: row.score.low for row in rows if row.score}
    hit = [x for x, low in lows.items() if chance and low is not None and low <= chance]
    if chance and hit:
        verb, these = ("is", "it") if len(hit) == 1 else ("are", "they")
        yield (
            f"{numbers.listing(hit)} {verb} not above chance: always naming the most frequent "
            f"class scores {numbers.percent(chance)}%, so {these} may have learned nothing."
        )


def _warn(evidence: Evidence, row: Row) -> Iterator[str]:
    for name in row.setting.edges if row.setting else ():
        low, high = map(numbers.setting, evidence.arms[row.label].space[name].bounds)
        yield (
            f"The {name} to use of {row.label} lies at an end of its search range ({low} to "
            f"{high}); a better one may lie outside."
        )
    if row.no_survivor >= SURVIVAL:
        yield (
            f"{row.label}: in {numbers.percent(row.no_survivor)}% of searches every point "
            "diverges; its score is that of the others."
        )
    if lost := row.diverged_reruns:
        low, high = map(numbers.percent, row.diverged_share)
        yield (
            f"{row.label} diverged in {lost} of {row.reruns} confirm runs (95%: {low}% to "
            f"{high}%): its score covers only the others."
        )
    if failed := row.runs["failed"]:
        yield f"{row.label}: {failed} of {sum(row.runs.values())} runs failed."


def _times(num: int, what: str) -> str:
    return f"{num} {what}{'s' * (num != 1)}"
