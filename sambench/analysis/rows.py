"""One row of a leaderboard per arm: what was found, as numbers."""

from collections.abc import Mapping

from sambench import stats
from sambench.analysis import test_set
from sambench.analysis.contest import scored
from sambench.analysis.costs import costs
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Estimate, Row
from sambench.analysis.ranked import Ranked
from sambench.analysis.settings import settings
from sambench.analysis.tally import tally
from sambench.stats import Tuned


def build(evidence: Evidence, ranked: Ranked, within: Mapping[str, Tuned]) -> tuple[Row, ...]:
    """Ranked arms, the best first, then the others as the study has them; `within`: inner ones."""
    contest = ranked.contest
    paid, chosen = costs(evidence), settings(evidence)
    outcomes = tally(evidence.frame, "variant")
    rivals = contest.rivals if contest.baselines else []
    errors = test_set.errors(evidence, rivals, contest.best_plain) if rivals else {}
    order = [*contest.order, *(label for label in evidence.arms if label not in contest.arms)]
    found = []
    for label in order:
        arm, pool = evidence.arms[label], evidence.pools.get(label)
        points, again = (evidence.runs[label][stage].ended for stage in ("pool", "confirm"))
        lost = int((~again.is_complete).sum())
        found.append(
            Row(
                label=label,
                key=arm.key,
                length=evidence.length(label),
                epochs=arm.epochs,
                is_baseline=label in evidence.baselines,
                group="" if ranked.obstacle else contest.groups.get(label, ""),
                why=ranked.whys[label],
                trials=0.0 if evidence.is_fixed else float(evidence.trials[label]),
                points=len(points),
                planned=evidence.planned(arm),
                diverged_points=int((~points.is_complete).sum()),
                no_survivor=pool.no_survivor if pool else 0.0,
                score=_estimate(evidence, ranked.scores.get(label)),
                inner=_estimate(evidence, within.get(label)),
                against=contest.against(label) if label in contest.arms else (),
                beats=None if ranked.obstacle else contest.beats.get(label),
                wins=not ranked.obstacle and label in contest.winners,
                detectable=contest.detectable(label) if label in rivals else None,
                test_set_error=errors.get(label),
                reruns=len(again),
                diverged_reruns=lost,
                diverged_share=stats.exact_interval(lost, len(again)),
                setting=chosen.get(label),
                cost=paid.get(label),
                runs=outcomes[label],
            )
        )
    return tuple(found)


def _estimate(evidence: Evidence, tuned: Tuned | None) -> Estimate | None:
    """With its interval; of fixed settings by as many seeds as the arm has."""
    if tuned is None:
        return None
    if evidence.is_fixed:
        return scored(tuned, stats.searches(len(tuned.influence)), evidence.score)
    return scored(tuned, evidence.size.searches, evidence.score)
