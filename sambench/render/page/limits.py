"""What a study cannot tell."""

from sambench.analysis import Leaderboard, numbers

ELSEWHERE = "One dataset and one model: nothing here speaks for others."
OWN_DRAWS = (
    "The intervals cover the luck of {covered}, as far as the function draws it anew for each "
    "seed; what it holds fixed, such as a test set, adds luck of its own."
)
UNWATCHED = "The function is known by its code; whether its data changed between runs is not known."


def limits(leaderboard: Leaderboard) -> list[str]:
    sizes = sorted(row.detectable for row in leaderboard.rows if row.detectable is not None)
    fixed = leaderboard.kind == "fixed"
    if leaderboard.kind == "adaptive":
        return [
            "Each setting is what one search found: another search may find another.",
            ELSEWHERE,
        ]
    found = []
    if sizes:
        score = leaderboard.score
        low, high = (numbers.score(size, score) for size in (sizes[0], sizes[-1]))
        told = low if low == high else f"{low} to {high}, depending on the arm"
        found.append(
            "A tie is not equality. True differences from plain smaller than this can hide here "
            f"(80% power), in {score.gaps}: {told}."
        )
    where = (
        "Answers hold for the settings of the study: nothing was tuned for anybody."
        if fixed
        else "Answers hold for the ranges and schedules above; beyond them better settings may lie."
    )
    own = "training" in leaderboard.header.get("own", {})
    has_error = any(row.test_set_error is not None for row in leaderboard.rows)
    items = f" of {leaderboard.num_items:,} items" * (leaderboard.num_items > 0)
    adds = "the test-set SE" if has_error else "luck of its own"
    untold = ", and what single items scored is not kept of this score"
    another = f"{items}; another test set adds {adds}{untold * (leaderboard.score.items is None)}."
    covered = "training" if fixed else "search and training"
    return [
        *found,
        OWN_DRAWS.format(covered=covered)
        if own
        else f"The intervals cover the luck of {covered} on this one test set{another}",
        *([UNWATCHED] if own else []),
        where,
        ELSEWHERE,
    ]
