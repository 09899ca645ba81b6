"""The answer in one sentence, and what to use."""

from collections.abc import Sequence
from dataclasses import dataclass

from sambench.analysis import numbers
from sambench.analysis.contest import Contest, difference
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Row, Setting
from sambench.analysis.ranked import Ranked
from sambench.config import BASELINE, LENGTHS

NOTHING = "nothing yet."
SCHEDULES = {0.5: "half the schedule", 1.0: "the full schedule", 2.0: "twice the schedule"}


@dataclass(frozen=True)
class Verdict:
    """`use` is the label to recommend, None where the study supports no recommendation."""

    headline: str
    use: str | None = None
    advice: str = NOTHING
    searches_needed: int | None = None


def judge(ranked: Ranked, evidence: Evidence, rows: Sequence[Row]) -> Verdict:
    """The headline says who beats plain; what to use follows from the margin alone."""
    if ranked.obstacle:
        return Verdict(ranked.obstacle)
    found = ranked.contest.recommendation
    margin = f"{evidence.size.margin:g} point{'s' * (evidence.size.margin != 1)}"
    told = headline(ranked.contest, evidence)
    if found.label is not None:
        row = next(row for row in rows if row.label == found.label)
        return Verdict(told, found.label, _advice(row, margin))
    needed = found.searches and found.searches * (2 if evidence.is_fixed else 1)
    unit = "paired seeds" if evidence.is_fixed else "searches"
    more = (
        f"about {needed} {unit} would tell"
        if needed
        else f"no affordable number of {unit} would tell"
    )
    return Verdict(
        told, None, f"undecided: any arm may be exceeded by more than {margin}; {more}.", needed
    )


def headline(contest: Contest, evidence: Evidence) -> str:
    """Who beats every arm of the baseline, and by how much the best of them."""
    where = "" if evidence.is_fixed else f" at a budget of {contest.size.budget:g} runs"
    if not contest.rivals:
        return f"Only {BASELINE} is ranked{where}; there is nothing to compare it with."
    plain = _best_plain(contest, evidence)
    best, *others = contest.winners or contest.rivals[:1]
    gain = f"{numbers.difference(difference(contest.contrast(best, contest.best_plain)))} points"
    if contest.winners:
        also = f"; {numbers.listing(others)} also beat{'s' * (len(others) == 1)} it" * bool(others)
        found = f"{best} beats {BASELINE}: {gain} over {plain}{where}{also}."
    else:
        worse = numbers.listing(contest.worse)
        also = f"; {worse} {'is' if len(contest.worse) == 1 else 'are'} worse" * bool(worse)
        found = f"No variant beats {BASELINE}{where}: {best}, the best of them, lies {gain} from {plain}{also}."
    return found + _lengths(contest, evidence)


def _best_plain(contest: Contest, evidence: Evidence) -> str:
    label = contest.best_plain
    length = evidence.arms[label].length
    schedule = SCHEDULES.get(length, f"{length:g} schedules")
    best = f"the best {BASELINE}" if len(contest.baselines) > 1 else BASELINE
    return f"{best} ({schedule})"


def _lengths(contest: Contest, evidence: Evidence) -> str:
    """Which schedule lengths plain had, where those are not all that a claim should rest on."""
    had = sorted({evidence.arms[label].length for label in contest.baselines})
    if set(LENGTHS) <= set(had):
        return ""
    lengths = numbers.listing([f"{length:g}" for length in had])
    return f" {BASELINE} ran at {lengths} schedule length{'s' * (had != [1])} alone."


def _advice(row: Row, margin: str) -> str:
    """The setting to use, what it scored and costs, and why it is this arm."""
    assert row.cost
    found = row.setting
    setting = f" with {_setting(found)}" if found else ""
    score = (
        f": {numbers.accuracy(found.score)}% over {found.runs} runs" if found and found.runs else ""
    )
    return (
        f"{row.label}{setting}{score}. A run costs {numbers.setting(row.cost.ratio)} full runs of "
        f"{BASELINE}: no arm exceeds it by more than {margin}, and of those arms none is cheaper."
    )


def _setting(found: Setting) -> str:
    """lr 0.0316, rho 0.05, 10 epochs"""
    rho = "" if found.rho is None else f", rho {numbers.setting(found.rho)}"
    return f"lr {numbers.setting(found.lr)}{rho}, {found.epochs} epochs"
