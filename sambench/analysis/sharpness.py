"""Whether what is sharper generalises worse: sharpness beside the gap, run by run."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Estimate
from sambench.analysis.runs import Runs
from sambench.analysis.worth import searches_of, uncut
from sambench.records import Quantity, quantities
from sambench.stats import Tuned, mean_of, rank_correlation

FEWEST = 6  # runs of which a correlation is told
ALL, WITHIN = "all runs", "within arms"


@dataclass(frozen=True)
class Correlation:
    """Kendall's tau of a sharpness and a gap."""

    sharpness: Quantity
    gap: Quantity
    of: str
    """ALL; WITHIN, the mean of the arms' own; or an arm's label"""
    runs: int
    tau: Estimate


def pairs(evidence: Evidence) -> Iterator[tuple[Quantity, Quantity]]:
    """Each sharpness that was measured with each gap."""
    known = quantities(evidence.header)
    for sharpness in (one for one in known if one.role == "sharpness"):
        for gap in (one for one in known if one.role == "gap"):
            yield sharpness, gap


def measured_runs(evidence: Evidence, label: str, *names: str) -> Runs:
    """The arm's complete confirm runs in which all of these have a value."""
    runs = evidence.runs[label]["confirm"].complete
    known = [np.isfinite(runs[f"measure_{name}"]) for name in names]
    return runs.where(np.logical_and.reduce(known))


def correlations(evidence: Evidence) -> Iterator[Correlation]:
    """Over all runs, within arms, and of each arm; where there is enough to tell."""
    for sharpness, gap in pairs(evidence):
        arms = {a: measured_runs(evidence, a, sharpness.name, gap.name) for a in evidence.arms}
        own = {label: _tau(evidence, runs, sharpness, gap) for label, runs in arms.items()}
        known = {label: tau for label, tau in own.items() if tau is not None}
        whole = evidence.together(arms.values())
        found = {ALL: (_tau(evidence, whole, sharpness, gap), len(whole))}
        if known:
            found[WITHIN] = (mean_of([*known.values()]), sum(len(arms[label]) for label in known))
        found |= {label: (tau, len(arms[label])) for label, tau in known.items()}
        for of, (tau, runs) in found.items():
            if tau is not None:
                yield Correlation(sharpness, gap, of, runs, _estimate(evidence, tau))


def _tau(evidence: Evidence, runs: Runs, sharpness: Quantity, gap: Quantity) -> Tuned | None:
    if len(runs) < FEWEST:
        return None
    x, y = (runs[f"measure_{quantity.name}"] for quantity in (sharpness, gap))
    return rank_correlation(x, y, runs["rerun" if evidence.is_fixed else "point"])


def _estimate(evidence: Evidence, tau: Tuned) -> Estimate:
    """Its interval, cut at -1 and 1."""
    found = uncut(tau, searches_of(evidence, tau))
    if found.low is None or found.high is None:
        return found
    return Estimate(found.value, max(found.low, -1.0), min(found.high, 1.0))
