"""What to use, and how sure the answer is: each a name and a sentence."""

from sambench.analysis import Leaderboard, Row, listing, numbers

Told = tuple[str, str]


def answer(leaderboard: Leaderboard) -> list[Told]:
    """The recommendation, with its setting and cost, and what it rests on."""
    if leaderboard.kind == "adaptive":
        return []
    use = next((row for row in leaderboard.rows if row.label == leaderboard.use), None)
    sure = how_sure(leaderboard, use)
    return [("Use this", leaderboard.advice), *([("How sure", sure)] if sure else [])]


def unranked(leaderboard: Leaderboard) -> list[str]:
    """Who is not ranked and why; where one reason holds of all, the headline has it."""
    reasons: dict[str, list[str]] = {}
    for row in leaderboard.rows:
        reasons.setdefault(row.why, []).append(row.label)
    if len(reasons) == 1:
        return []
    return [f"{listing(labels)}: {why}." for why, labels in reasons.items() if why]


def how_sure(leaderboard: Leaderboard, use: Row | None) -> str:
    """Which arms are not separated, and how wide the intervals are."""
    ranked, size = [row for row in leaderboard.rows if row.group], leaderboard.size
    if not ranked:
        return ""
    found = []
    if use and use.group and len(ranked) > 1:
        equals = [row.label for row in ranked if row != use and set(row.group) & set(use.group)]
        told = f"not separated from {listing(equals)}" if equals else "separated from all others"
        found.append(f"{use.label} is {told}.")
    halves = sorted(half for row in ranked if row.score and (half := row.score.half) is not None)
    if halves:
        score = leaderboard.score
        low, high = (numbers.score(half, score) for half in (halves[0], halves[-1]))
        wide = f"±{low}" if low == high else f"±{low} to ±{high}"
        of = (
            "over training"
            if leaderboard.kind == "fixed"
            else "with the luck of search and training in them; each pool is as large as "
            f"{numbers.times(size.searches, 'search')}"
        )
        unit = " points" * score.in_percent
        found.append(f"95% intervals of the scores are {wide}{unit}, {of}.")
    return " ".join(found)
