"""Fixed settings, compared over paired seeds (rule 8).

The mean of n scores moves by u_j = (x_j - mean) / sqrt(n (n - 1)) with seed j: then the squared
error of a difference, sum_j (u_aj - u_bj)^2, is that of the paired t test, and what is said of
tuned arms can be said of these.
"""

from fractions import Fraction
from math import sqrt

from sambench.analysis.evidence import CONCLUDING, Evidence
from sambench.stats import Tuned


def means(evidence: Evidence) -> dict[str, Tuned]:
    """Of every arm with two complete confirm runs or more."""
    found = {}
    for label in evidence.arms:
        runs = [run for run in evidence.runs[label]["confirm"] if run.is_complete]
        scores = {run.rerun: evidence.score(run) for run in runs}
        if len(scores) > 1:
            found[label] = mean(scores)
    return found


def mean(scores: dict[int, Fraction]) -> Tuned:
    """Of scores by seed."""
    n = len(scores)
    middle = sum(scores.values(), Fraction()) / n
    scale = sqrt(n * (n - 1))
    return Tuned(middle, {j: float(x - middle) / scale for j, x in scores.items()})


def ended(evidence: Evidence, label: str) -> int:
    """Its seeds that ran, diverged ones among them."""
    return sum(run.ended for run in evidence.runs[label]["confirm"])


def why(evidence: Evidence, label: str) -> str:
    """Why the arm cannot be ranked, "" if it can."""
    planned, ran = evidence.study.confirm.seeds, ended(evidence, label)
    if ran < planned:
        return f"{ran} of its {planned} seeds ran"
    complete = sum(run.is_complete for run in evidence.runs[label]["confirm"])
    return (
        "" if complete >= CONCLUDING else f"only {complete} of its {planned} runs did not diverge"
    )
