"""What an arm is worth in a measure, and against plain."""

from collections.abc import Iterator, Mapping

from sambench.analysis import corrupted
from sambench.analysis.contest import estimate
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Estimate, Measured
from sambench.analysis.ranked import Ranked
from sambench.analysis.worth import searches_of, uncut, worth
from sambench.records import Score, quantities
from sambench.stats import Tuned, claims


def measured(evidence: Evidence, ranked: Ranked) -> tuple[Measured, ...]:
    """By quantity, in the order of the records, the arms in the order of the ranking."""
    order = [*ranked.contest.order, *(a for a in evidence.arms if a not in ranked.contest.arms)]
    plain = ranked.contest.best_plain if ranked.contest.baselines else ""
    found: list[Measured] = []
    for quantity in quantities(evidence.header):
        worths = {label: worth(evidence, label, quantity.name) for label in order}
        found += _rows(evidence, quantity, worths, plain)
        if quantity.axes_named == corrupted.AXES and plain:
            errors = corrupted.mean_errors(evidence, quantity, order, plain)
            found += _rows(evidence, corrupted.mean_error_of(quantity), errors, plain)
    return tuple(found)


def _rows(
    evidence: Evidence, score: Score, found: Mapping[str, Tuned | None], plain: str
) -> Iterator[Measured]:
    base = found.get(plain)
    for label, tuned in found.items():
        if tuned is None:
            continue
        size = searches_of(evidence, tuned)
        lead = None
        if base is not None and label not in evidence.baselines:
            apart = claims.contrast(tuned, base, size)
            lead = Estimate(apart.difference, *apart.interval)
        own = estimate(tuned, size) if score.unit == "share" else uncut(tuned, size)
        yield Measured(score, label, own, plain if lead else "", lead)
