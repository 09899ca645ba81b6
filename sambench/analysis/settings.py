"""The setting to use of every arm, and what it scored when it ran again (rule 9)."""

from fractions import Fraction

from sambench import stats
from sambench.analysis.contest import estimate
from sambench.analysis.evidence import Evidence, Run
from sambench.analysis.findings import Estimate, Setting


def settings(evidence: Evidence) -> dict[str, Setting]:
    """By label; of fixed settings those that ran. An arm that found none is left out."""
    found = {label: _setting(evidence, label, evidence.chosen(label)) for label in evidence.arms}
    return {label: setting for label, setting in found.items() if setting}


def _setting(evidence: Evidence, label: str, runs: list[Run]) -> Setting | None:
    if not runs:
        return None
    first, fit = runs[0], evidence.fits.get(label)
    edges = fit.edges if fit else ()
    scores = {run.rerun: evidence.score(run) for run in runs if run.is_complete}
    return Setting(
        lr=first.lr,
        rho=None if first.rho != first.rho else first.rho,
        hyperparameters={n: v for n, v in first.values.items() if n != "lr"},
        epochs=first.epochs,
        edges=tuple(name for name in edges if name in evidence.arms[label].space),
        score=_mean(scores),
        runs=len(scores),
    )


def _mean(scores: dict[int, Fraction]) -> Estimate | None:
    """With its t interval."""
    if len(scores) < 2:
        return Estimate(float(next(iter(scores.values())))) if scores else None
    return estimate(stats.seed_mean(scores), stats.searches(len(scores)))
