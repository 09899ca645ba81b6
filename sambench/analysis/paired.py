"""Fixed settings, compared over paired seeds (rule 8)."""

from sambench import stats
from sambench.analysis.evidence import CONCLUDING, Evidence
from sambench.stats import Tuned


def means(evidence: Evidence) -> dict[str, Tuned]:
    """Of every arm with two complete confirm runs or more."""
    found = {}
    for label in evidence.arms:
        runs = [run for run in evidence.runs[label]["confirm"] if run.is_complete]
        if len(runs) > 1:
            found[label] = stats.seed_mean({run.rerun: evidence.score(run) for run in runs})
    return found


def ended(evidence: Evidence, label: str) -> int:
    """Its seeds that ran, diverged ones among them."""
    return sum(run.ended for run in evidence.runs[label]["confirm"])


def why(evidence: Evidence, label: str) -> str:
    """Why the arm cannot be ranked, "" if it can."""
    planned, ran = evidence.study.confirm.seeds, ended(evidence, label)
    if ran < planned:
        return f"{ran} of its {planned} seeds ran"
    complete = sum(run.is_complete for run in evidence.runs[label]["confirm"])
    few = complete < min(CONCLUDING, planned)
    return f"only {complete} of its {planned} runs did not diverge" if few else ""
