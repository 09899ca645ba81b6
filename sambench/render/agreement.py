"""Whether a run of a study and its published page make the same claims."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from math import hypot

from sambench.analysis import Estimate, Leaderboard, Row, listing, numbers
from sambench.config import changed_keys
from sambench.render.tables.ranking import against
from sambench.scores import Score

ASKED = ("task", "train", "search")
"""Tables of a study that its answer is about."""
SIZES = ("searches", "margin")
"""Keys among them that make it surer, or dearer."""

Rows = Mapping[str, Row]
"""By label, the ranked ones."""


def claims_agree(run: Leaderboard, standing: Leaderboard) -> str:
    """Which winners, separated pairs and recommendation differ, and whether beyond intervals."""
    if changed := _changed(run, standing):
        return f"No comparison with the published page: it differs in {listing(changed)}."
    here, there = _ranked(run), _ranked(standing)
    if not here or not there:
        unranked = "this run" if not here else "the published page"
        return f"No comparison with the published page: {unranked} ranks nothing."
    labels = [label for label in here if label in there]
    pairs = list(combinations(labels, 2))
    score = run.score
    found = [
        *(told for label in labels for told in _win(label, here, there, score)),
        *(told for pair in pairs for told in _order(*pair, here, there, score)),
        *_recommendation(run, standing),
    ]
    apart = [label for label in {**here, **there} if label not in labels]
    rest = f" Not on both sides: {listing(apart)}." if apart else ""
    if found:
        told = "\n".join(f"- {claim}" for claim in found)
        return f"The published page does not agree:{rest}\n{told}"
    return (
        "The published page agrees: the same winners, the same recommendation, and all "
        f"{len(pairs)} pairs of arms stand alike.{rest}"
    )


def _changed(run: Leaderboard, standing: Leaderboard) -> list[str]:
    """Keys that ask another question."""
    asked = [
        {
            table: {k: v for k, v in board.header["spec"][table].items() if k not in SIZES}
            for table in ASKED
        }
        for board in (standing, run)
    ]
    return changed_keys(*asked)


def _ranked(board: Leaderboard) -> Rows:
    return {row.label: row for row in board.rows if row.group}


def _win(label: str, here: Rows, there: Rows, score: Score) -> Iterator[str]:
    ours, theirs = here[label], there[label]
    if ours.wins == theirs.wins:
        return
    told = "beats plain here, not there" if ours.wins else "beats plain there, not here"
    loser = theirs if ours.wins else ours
    common = [found for found in loser.against if found.label in here and found.label in there]
    hardest = max(common, key=lambda found: found.p, default=None)
    compared = _numbers(label, hardest.label, here, there, score) if hardest else ""
    yield f"{label} {told}{compared}"


def _order(a: str, b: str, here: Rows, there: Rows, score: Score) -> Iterator[str]:
    ours, theirs = _relation(here[a], here[b]), _relation(there[a], there[b])
    if ours != theirs:
        yield f"here {ours}, there {theirs}{_numbers(a, b, here, there, score)}"


def _relation(a: Row, b: Row) -> str:
    """Who is above whom, in the same words whichever comes first."""
    first, second = sorted((a.label, b.label))
    if set(a.group) & set(b.group):
        return f"{first} ties with {second}"
    assert a.score and b.score
    above = (a.score.value > b.score.value) == (a.label == first)
    return f"{first} is {'above' if above else 'below'} {second}"


def _recommendation(run: Leaderboard, standing: Leaderboard) -> Iterator[str]:
    if run.use == standing.use:
        return
    ours, theirs = (board.use or "nothing" for board in (run, standing))
    yield f"recommended here: {ours}, there: {theirs}"


def _numbers(a: str, b: str, here: Rows, there: Rows, score: Score) -> str:
    """Both differences, and whether they differ by more than their intervals are wide."""
    ours, theirs = _difference(here, a, b), _difference(there, a, b)
    gap, other = (numbers.gap(own.value, score) for own in (ours, theirs))
    told = f"{a} minus {b}: {gap} here, {other} there"
    half = _both(ours, theirs)
    if half is None:
        return f" ({told})"
    beyond = abs(ours.value - theirs.value) > half
    return f" ({told}, {'beyond' if beyond else 'within'} their intervals)"


def _difference(rows: Rows, a: str, b: str) -> Estimate:
    """a minus b: paired where the study has it so, else from their scores."""
    if found := against(rows[a], b):
        return found.difference
    if found := against(rows[b], a):
        d = found.difference
        return Estimate(-d.value, d.high and -d.high, d.low and -d.low)
    x, y = rows[a].score, rows[b].score
    assert x and y
    gap, half = x.value - y.value, _both(x, y)
    return Estimate(gap) if half is None else Estimate(gap, gap - half, gap + half)


def _both(x: Estimate, y: Estimate) -> float | None:
    """How far two independent estimates may lie apart; None where one has no interval."""
    if x.half is None or y.half is None:
        return None
    return hypot(x.half, y.half)
