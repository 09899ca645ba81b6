"""Arms at equal trials, those of one schedule length beside plain at that length.

All of them are asked for the fewest trials of any ranked arm. What a run costs does not count here.
"""

from fractions import Fraction

from sambench.analysis.contest import difference, scored
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Equal
from sambench.stats import claims


def equal(evidence: Evidence) -> tuple[Equal, ...]:
    """Length 1 first, then the others; within a length the best first."""
    k, searches = evidence.smallest, evidence.size.searches
    able = {label: pool for label, pool in evidence.pools.items() if not pool.why}
    found = {label: tuned for label, pool in able.items() if (tuned := pool.tuned(Fraction(k)))}
    lengths = {label: evidence.length(label) for label in found}
    plain = {lengths[label]: label for label in reversed(evidence.baselines) if label in found}
    rows = [
        Equal(
            label=label,
            length=lengths[label],
            trials=k,
            score=scored(tuned, searches, evidence.score),
            plain=None if base in (None, label) else base,
            difference=None
            if base is None or base == label
            else difference(claims.contrast(tuned, found[base], searches), evidence.score),
        )
        for label, tuned in found.items()
        for base in [plain.get(lengths[label])]
    ]

    def place(row: Equal) -> tuple[bool, float, float, str]:
        return row.length != 1, row.length, -evidence.score.sign * row.score.value, row.label

    return tuple(sorted(rows, key=place))
