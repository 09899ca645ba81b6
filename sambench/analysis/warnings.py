"""What a reader should know before believing a number."""

from collections.abc import Iterator, Sequence
from math import sqrt

from sambench.analysis import numbers
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Row
from sambench.analysis.numbers import times
from sambench.errors import shortened
from sambench.scores import ACCURACY
from sambench.stats import ALPHA

LONGEST = 200  # characters of why a run failed
SURVIVAL = 0.01
"""A chance of this that a search has no survivor is worth a word."""


def warn(evidence: Evidence, rows: Sequence[Row]) -> Iterator[str]:
    """Of the study, then of each arm."""
    if swept := evidence.num_swept:
        verb = "is" if swept == 1 else "are"
        yield f"{times(swept, 'trial')} of W&B sweeps {verb} shown, and count in no ranking."
    if n := evidence.strangers:
        yield f"{times(n, 'run')} of arms that the header does not name: not counted."
    if n := evidence.size.extension:
        yield (
            f"The study was concluded {times(n, 'time')} before, at other sizes: its claims are "
            f"tested at {evidence.size.alpha:g} instead of {ALPHA:g}."
        )
    if n := evidence.header.get("left"):
        yield (
            f"The study is not over: its time was up with about {times(n, 'run')} left, which its "
            "command goes on with."
        )
    yield from evidence.header.get("notes", ())
    yield from _chance(evidence, rows)
    yield from _edges(evidence, rows)
    for row in rows:
        yield from _warn(row)
        yield from _failures(evidence, row)


def _edges(evidence: Evidence, rows: Sequence[Row]) -> Iterator[str]:
    """Settings at an end of a range, told together where the range is the same."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for name in row.setting.edges if row.setting else ():
            low, high = map(numbers.setting, evidence.arms[row.label].space[name].bounds)
            found.setdefault((name, f"{low} to {high}"), []).append(row.label)
    for (name, span), labels in found.items():
        yield (
            f"The {name} to use of {numbers.listing(labels)} lies at an end of its search range "
            f"({span}); a better one may lie outside."
        )


def _chance(evidence: Evidence, rows: Sequence[Row]) -> Iterator[str]:
    """Who may have learned nothing: who scores what a constant answer does.

    To two errors, where the score is a share of the items.
    """
    chance, num_items, score = evidence.header.get("chance"), evidence.num_items, evidence.score
    if chance is None or (not num_items and score.name == ACCURACY.name):
        return
    reach, answer = chance, "always giving the same answer"
    if score.name == ACCURACY.name:
        reach += 2 * sqrt(chance * (1 - chance) / num_items)
        answer = "always naming the most frequent class"
    hit = [own.label for own in rows if own.score and not score.is_better(own.score.value, reach)]
    if hit:
        verb, these = ("scores", "it") if len(hit) == 1 else ("score", "they")
        yield (
            f"{numbers.listing(hit)} {verb} no better than chance: {answer} gets "
            f"{numbers.told(chance, score)}, so {these} may have learned nothing."
        )


def _warn(row: Row) -> Iterator[str]:
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


def _failures(evidence: Evidence, row: Row) -> Iterator[str]:
    """How many runs of an arm failed, and why."""
    failed = row.runs["failed"]
    if not failed:
        return
    frame = evidence.frame
    own = (frame["variant"] == row.label) & (frame["outcome"] == "failed")
    reasons = frame.loc[own.to_numpy(), "reason"].astype(str)
    most = " most often" if reasons.nunique() > 1 else ""
    why = shortened(min(reasons.mode()), LONGEST).rstrip(".")
    it = "it" if failed == 1 else "them"
    yield (
        f"{row.label}: {failed} of {sum(row.runs.values())} runs failed. No score counts {it}, and "
        f"the study's command runs {it} again. What went wrong{most}: {why}."
    )
