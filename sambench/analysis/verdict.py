"""The answer in one sentence, and what to use."""

from collections.abc import Sequence
from dataclasses import dataclass

from sambench.analysis import numbers
from sambench.analysis.contest import Contest, difference
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Row, Setting
from sambench.analysis.ranked import Ranked
from sambench.config import BASELINE, LENGTHS
from sambench.scores import Score
from sambench.stats import Contrast

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
    """The headline says who beats plain; what to use follows from costs and margin alone."""
    if ranked.obstacle:
        return Verdict(ranked.obstacle)
    told, margin = headline(ranked.contest, evidence), _margin(evidence)
    found = ranked.contest.recommendation
    if found.label is not None:
        row = next(row for row in rows if row.label == found.label)
        return Verdict(told, found.label, _advice(row, margin, ranked.contest, evidence))
    unit, of_search = ("paired seeds", 2) if evidence.is_fixed else ("searches", 1)
    needed = found.searches and of_search * found.searches
    more = f"about {needed}" if needed else "no affordable number of"
    may = f"any arm may be {evidence.score.exceeded} by more than {margin}"
    advice = f"undecided: {may}; {more} {unit} would tell."
    return Verdict(told, None, advice, needed)


def headline(contest: Contest, evidence: Evidence) -> str:
    """Who beats every arm of the baseline, and by how much the best of them."""
    where = "" if evidence.is_fixed else f" at a budget of {contest.size.budget:g} runs"
    if not contest.rivals:
        return f"Only {BASELINE} is ranked{where}; there is nothing to compare it with."
    best, *others = contest.winners or contest.rivals[:1]
    gap = contest.contrast(best, contest.best_plain)
    plain = _best_plain(contest, evidence)
    if contest.winners:
        also = f"; {numbers.listing(others)} also beat{'s' * (len(others) == 1)} it" * bool(others)
        found = f"{best} beats {BASELINE}: {_over(gap, plain, contest.score)}{where}{also}."
    else:
        alone = len(contest.rivals) == 1
        none = f"{best} does not beat" if alone else "No variant beats"
        which = "it" if alone else f"{best}, the best of them,"
        found = (
            f"{none} {BASELINE}{where}: {which} {_from(gap, plain, contest.score)}"
            f"{_not_enough(contest, best, gap)}{_worse(contest)}."
        )
    return found + _lengths(contest, evidence)


def _over(gap: Contrast, plain: str, score: Score) -> str:
    """+1.85 points [+1.20, +2.50] over plain; RMSE lower by 3.10 [1.02, 5.18] than plain"""
    told = numbers.lead(difference(gap, score), score)
    return f"{score.words} {told} than {plain}" if _has_a_way(told) else f"{told} over {plain}"


def _from(gap: Contrast, plain: str, score: Score) -> str:
    """The same of who does not win."""
    told = numbers.lead(difference(gap, score), score)
    if _has_a_way(told):
        return f"has {score.words} {told} than {plain}"
    return f"lies {told} from {plain}"


def _has_a_way(told: str) -> bool:
    return " by " in told


def _not_enough(contest: Contest, best: str, gap: Contrast) -> str:
    """How sure a lead is that is no win."""
    if gap.difference <= 0:
        return ""
    needed = f"{contest.size.alpha / 2:g}"
    return f", Holm p {numbers.p_value(contest.beats[best])} where {needed} is needed"


def _margin(evidence: Evidence) -> str:
    """1 point (95%)"""
    size = evidence.size
    return f"{evidence.score.amount(f'{size.margin:g}')} ({100 * (1 - size.alpha):.4g}%)"


def _worse(contest: Contest) -> str:
    worse = contest.worse
    verb = "is" if len(worse) == 1 else "are"
    return f"; {numbers.listing(worse)} {verb} worse" if worse else ""


def _best_plain(contest: Contest, evidence: Evidence) -> str:
    length = evidence.length(contest.best_plain)
    schedule = SCHEDULES.get(length, f"{length:.3g} schedules")
    best = f"the best {BASELINE}" if len(contest.baselines) > 1 else BASELINE
    return f"{best} ({schedule})"


def _lengths(contest: Contest, evidence: Evidence) -> str:
    """Which schedule lengths plain had, where those are not all that a claim should rest on."""
    had = sorted({evidence.length(label) for label in contest.baselines})
    if set(LENGTHS) <= set(had):
        return ""
    lengths = numbers.listing([f"{length:.3g}" for length in had])
    return f" Here {BASELINE} ran at schedule length{'s' * (len(had) > 1)} {lengths} only."


def _advice(row: Row, margin: str, contest: Contest, evidence: Evidence) -> str:
    """The setting to use, what it scored and costs, and why it is this arm."""
    use = row.label
    trained = _trained(row.setting, evidence.score, epochs=evidence.tells_epochs)
    told = f"{use}{trained}. A run costs {_cost(contest, use)}."
    if len(contest.arms) == 1:
        return f"{told} No other arm is ranked."
    cheaper = [label for label in contest.order if contest.costs[label] < contest.costs[use]]
    least = "no cheaper arm is as sure" if cheaper else "none is cheaper"
    alike = [label for label in cheaper if not contest.is_separated(label, use)]
    against = "".join(f" {_against(contest, label, use)}" for label in alike)
    most = f"No other ranked arm {evidence.score.exceed}s it by more than {margin}"
    return f"{told} {most}; {least}.{against}"


def _cost(contest: Contest, label: str) -> str:
    """2 full runs of plain"""
    cost = numbers.setting(float(contest.costs[label]))
    return f"{cost} full run{'s' * (cost != '1')} of {BASELINE}"


def _against(contest: Contest, label: str, use: str) -> str:
    """Why not a cheaper arm from which the one to use is not separated."""
    most, best = max((contest.exceeds(other, label), other) for other in contest.arms)
    score = contest.score
    return (
        f"{label}, at {_cost(contest, label)}, is not separated from {use}, but {best} may lie "
        f"{score.amount(numbers.score(most, score))} {score.ahead} it."
    )


def _trained(found: Setting | None, score: Score, *, epochs: bool) -> str:
    """with lr 0.0316, rho 0.05, 10 epochs: test accuracy 91.20 ± 0.50% over 5 runs"""
    if found is None:
        return ""
    rho = "" if found.rho is None else f", rho {numbers.setting(found.rho)}"
    length = f", {found.epochs} epoch{'s' * (found.epochs != 1)}" if epochs else ""
    setting = f" with lr {numbers.setting(found.lr)}{rho}{length}"
    if found.score is None:
        return setting
    runs = f"{found.runs} run{'s' * (found.runs != 1)}"
    scored = f"{numbers.estimate(found.score, score)}{'%' * score.in_percent}"
    return f"{setting}: test {score.words} {scored} over {runs}"
