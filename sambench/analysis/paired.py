"""Fixed settings, compared over paired seeds (rule 8)."""

from sambench.analysis.evidence import CONCLUDING, Evidence
from sambench.stats import Tuned


def means(evidence: Evidence) -> dict[str, Tuned]:
    """Of every arm with two complete confirm runs or more."""
    found = {}
    for label in evidence.arms:
        runs = evidence.runs[label]["confirm"].complete
        if len(runs) > 1:
            found[label] = evidence.mean(runs)
    return found


def ended(evidence: Evidence, label: str) -> int:
    """Its seeds that ran, diverged ones among them."""
    return len(evidence.runs[label]["confirm"].ended)


def why(evidence: Evidence, label: str) -> str:
    """Why the arm cannot be ranked, "" if it can."""
    planned, ran = evidence.study.confirm.seeds, ended(evidence, label)
    if ran < planned:
        return f"{ran} of its {planned} seeds ran"
    complete = len(evidence.runs[label]["confirm"].complete)
    few = complete < min(CONCLUDING, planned)
    return f"only {complete} of its {planned} runs did not diverge" if few else ""
