"""From records to everything that page, terminal, index and JSON show."""

from sambench.analysis import inner, rows, verdict, warnings
from sambench.analysis.costs import spent, timed_on
from sambench.analysis.equal import equal
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Leaderboard
from sambench.analysis.halves import halves
from sambench.analysis.measured import measured
from sambench.analysis.orders import orders
from sambench.analysis.ranked import rank
from sambench.analysis.tally import tally
from sambench.records import STAGES, Records


def analyse(records: Records) -> Leaderboard:
    """The answer does not depend on the order of the records."""
    return conclude(Evidence(records))


def conclude(evidence: Evidence) -> Leaderboard:
    """The answer, from what ran."""
    ranked = rank(evidence)
    within = inner.inner(evidence)
    found = rows.build(evidence, ranked, within)
    counts = tally(evidence.frame, "stage")
    answer = verdict.judge(ranked, evidence, found)
    return Leaderboard(
        study=evidence.header["study"],
        question=evidence.study.question,
        kind=ranked.kind,
        headline=answer.headline,
        use=answer.use,
        advice=answer.advice,
        searches_needed=answer.searches_needed,
        rows=found,
        equal=equal(evidence),
        orders=() if ranked.obstacle else orders(evidence),
        inner="" if ranked.obstacle else inner.answer(evidence, ranked.contest, within),
        measured=measured(evidence, ranked),
        halves=halves(evidence),
        size=evidence.size,
        warnings=tuple(warnings.warn(evidence, found)),
        damages=tuple(map(str, evidence.records.damages)),
        counts={stage: counts[stage] for stage in STAGES},
        machines=tuple(sorted(evidence.machines())),
        timed_on=timed_on(evidence),
        spent=spent(evidence),
        num_items=evidence.num_items,
        header=evidence.header,
        decimals=evidence.score.decimals,
    )
