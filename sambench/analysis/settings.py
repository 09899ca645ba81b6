"""The setting to use of every arm, and what it scored when it ran again (rule 9)."""

from sambench import stats
from sambench.analysis.contest import scored
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Estimate, Setting
from sambench.analysis.runs import Runs


def settings(evidence: Evidence) -> dict[str, Setting]:
    """By label; of fixed settings those that ran. An arm that found none is left out."""
    found = {label: _setting(evidence, label, runs) for label, runs in evidence.chosen.items()}
    return {label: setting for label, setting in found.items() if setting}


def _setting(evidence: Evidence, label: str, runs: Runs) -> Setting | None:
    if not len(runs):
        return None
    fit, lr, rho = evidence.fits.get(label), float(runs["lr"][0]), float(runs["rho"][0])
    edges = fit.edges if fit else ()
    return Setting(
        lr=lr,
        rho=None if rho != rho else rho,
        hyperparameters={n: v for n, v in next(runs.first(1).values).items() if n != "lr"},
        epochs=int(runs["epochs"][0]),
        edges=tuple(name for name in edges if name in evidence.arms[label].space),
        score=_mean(evidence, runs.complete),
        runs=len(runs.complete),
    )


def _mean(evidence: Evidence, runs: Runs) -> Estimate | None:
    """With its t interval."""
    if len(runs) < 2:
        scores, of = evidence.scores(runs)
        return Estimate(evidence.score.sign * (scores[0] / of)) if len(runs) else None
    return scored(evidence.mean(runs), stats.searches(len(runs)), evidence.score)
