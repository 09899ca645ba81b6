"""Which arms can be ranked, and what keeps a study from a conclusion."""

from collections.abc import Mapping
from dataclasses import dataclass

from sambench import stats
from sambench.analysis import paired
from sambench.analysis.contest import Contest
from sambench.analysis.evidence import CONCLUDING, Evidence
from sambench.analysis.findings import Kind
from sambench.config import BASELINE
from sambench.stats import Searches, Tuned


@dataclass(frozen=True)
class Ranked:
    """What the arms of a study score, and who of them takes part in a conclusion."""

    kind: Kind
    obstacle: str
    """why nothing is concluded, as a headline; "" if something is"""
    scores: Mapping[str, Tuned]
    """of every arm that can be shown"""
    whys: Mapping[str, str]
    """why an arm is not ranked, "" if it is"""
    contest: Contest
    """of those whose runs would allow it; where there is an obstacle, it claims nothing"""


def rank(evidence: Evidence) -> Ranked:
    """By pools, or by paired seeds where nothing was searched."""
    scores, whys = _seeds(evidence) if evidence.is_fixed else _pools(evidence)
    kind, obstacle = _obstacle(evidence, whys)
    able = [label for label, why in whys.items() if not why]
    contest = Contest(
        arms={label: scores[label] for label in able},
        baselines=tuple(label for label in evidence.baselines if label in able),
        costs={label: evidence.cost(label) for label in able},
        searches=_searches(evidence, [scores[label] for label in able]),
        size=evidence.size,
        score=evidence.score,
    )
    if obstacle:
        whys = {label: why or "nothing is concluded" for label, why in whys.items()}
    return Ranked(kind, obstacle, scores, whys, contest)


def _pools(evidence: Evidence) -> tuple[dict[str, Tuned], dict[str, str]]:
    if evidence.is_adaptive:
        why = f"{evidence.study.search.sampler} chooses a trial by those before it"
        return {}, dict.fromkeys(evidence.arms, why)
    found = {label: pool.tuned(pool.trials) for label, pool in evidence.pools.items()}
    scores = {label: tuned for label, tuned in found.items() if tuned}
    return scores, {label: pool.why for label, pool in evidence.pools.items()}


def _seeds(evidence: Evidence) -> tuple[dict[str, Tuned], dict[str, str]]:
    return paired.means(evidence), {label: paired.why(evidence, label) for label in evidence.arms}


def _searches(evidence: Evidence, scores: list[Tuned]) -> Searches:
    """That the answer rests on."""
    if not evidence.is_fixed:
        return evidence.size.searches
    return stats.searches(min((len(tuned.influence) for tuned in scores), default=0))


def _obstacle(evidence: Evidence, whys: Mapping[str, str]) -> tuple[Kind, str]:
    """The kind of a study, and why nothing is concluded, "" if something is."""
    kind: Kind = "fixed" if evidence.is_fixed else "pool"
    if evidence.is_adaptive:
        sampler = evidence.study.search.sampler
        return "adaptive", (
            f"No ranking: {sampler} chooses a trial by those before it, so that its trials are no "
            "pool of independent points; it hands out settings."
        )
    size = evidence.study.confirm.seeds if evidence.is_fixed else evidence.size.searches
    if size < CONCLUDING:
        what = f"{size} paired seed" if evidence.is_fixed else f"pools as large as {size} search"
        plural = ("s" if evidence.is_fixed else "es") * (size != 1)
        return kind, f"Nothing is concluded: {what}{plural}, and {CONCLUDING} are needed."
    if missing := _missing(evidence, whys):
        return "partial", f"Nothing is concluded yet: {missing}."
    if not any(not whys[label] for label in evidence.baselines):
        reasons = "; ".join(f"{label}: {whys[label]}" for label in evidence.baselines)
        return kind, f"No headline: no arm of {BASELINE} is ranked ({reasons})."
    return kind, ""


def _missing(evidence: Evidence, whys: Mapping[str, str]) -> str:
    """Which runs are missing, without which nothing can be said; "" if none are.

    Who beats plain beats every arm of it, so that all of those must be there, and one rival.
    """
    partial = [label for label in evidence.arms if _is_partial(evidence, label)]
    rivals = [label for label in evidence.arms if label not in evidence.baselines]
    waiting = any(label in partial for label in rivals) and all(whys[label] for label in rivals)
    if not waiting and not set(partial) & set(evidence.baselines):
        return ""
    if evidence.is_fixed:
        asked = evidence.study.confirm.seeds * len(evidence.arms)
        ran = sum(paired.ended(evidence, label) for label in evidence.arms)
        return f"{asked - ran} of {asked} runs are missing"
    pools = evidence.pools.values()
    if points := sum(pool.missing_points for pool in pools):
        return f"{points} of {sum(pool.planned for pool in pools)} points are missing"
    reruns = sum(pool.missing_reruns for pool in pools)
    return (
        f"{reruns} of {sum(sum(pool.due) for pool in pools)} reruns of the best points are missing"
    )


def _is_partial(evidence: Evidence, label: str) -> bool:
    """Whether runs are missing that the study asks for."""
    if evidence.is_fixed:
        return paired.ended(evidence, label) < evidence.study.confirm.seeds
    pool = evidence.pools[label]
    return bool(pool.missing_points or pool.missing_reruns)
