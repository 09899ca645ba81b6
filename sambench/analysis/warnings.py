"""What a reader should know before believing a number."""

from collections.abc import Iterator, Sequence

from sambench.analysis import numbers
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Row

SURVIVAL = 0.01
"""A chance of this that a search has no survivor is worth a word."""


def warn(evidence: Evidence, rows: Sequence[Row]) -> Iterator[str]:
    """Of the study, then of each arm."""
    if swept := evidence.num_swept:
        trials = f"{swept} trial{'s' * (swept != 1)} of W&B sweeps"
        yield f"{trials} {'is' if swept == 1 else 'are'} shown, and count in no ranking."
    if n := evidence.strangers:
        yield f"{n} run{'s' * (n != 1)} of arms that the records' header does not name: not counted."
    if evidence.size.extension:
        yield (
            f"The study was concluded {evidence.size.extension} time"
            f"{'s' * (evidence.size.extension != 1)} before, at other sizes: its claims are tested "
            f"at {evidence.size.alpha:g} instead of 0.05."
        )
    for row in rows:
        yield from _warn(evidence, row)


def _warn(evidence: Evidence, row: Row) -> Iterator[str]:
    for name in row.setting.edges if row.setting else ():
        space = evidence.arms[row.label].space[name]
        low, high = (numbers.setting(end) for end in space.bounds)
        yield (
            f"{row.label}'s best {name} lies at an end of its search range ({low} to {high}); "
            "a better one may lie outside."
        )
    if row.no_survivor >= SURVIVAL:
        share = numbers.percent(row.no_survivor)
        yield f"{row.label}: all points of a search diverge in {share}% of searches; its score is of the others."
    if lost := row.diverged_reruns:
        low, high = (numbers.percent(end) for end in row.diverged_share)
        yield (
            f"{row.label} diverged in {lost} of {row.reruns} confirm runs (95%: {low}% to {high}%): "
            "its score covers only the others."
        )
    if failed := row.runs["failed"]:
        yield f"{row.label}: {failed} of {sum(row.runs.values())} runs failed."
