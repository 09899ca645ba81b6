"""What a study cannot tell."""

from sambench.analysis import Leaderboard, numbers


def limits(leaderboard: Leaderboard) -> list[str]:
    sizes = sorted(row.detectable for row in leaderboard.rows if row.detectable is not None)
    fixed = leaderboard.kind == "fixed"
    found = []
    if sizes:
        low, high = numbers.percent(sizes[0]), numbers.percent(sizes[-1])
        told = low if low == high else f"{low} to {high}, depending on the arm"
        found.append(
            "A tie is not equality. True differences from plain smaller than this can hide here "
            f"(80% power), in points: {told}."
        )
    where = (
        "They hold for the settings of the study: nothing was tuned for anybody."
        if fixed
        else "They hold for the ranges and schedules below: elsewhere other settings may be better."
    )
    covered = "training" if fixed else "search and training"
    return [
        *found,
        f"The intervals cover the luck of {covered} on this one test set of "
        f"{leaderboard.num_items:,} items; another test set adds the test-set SE.",
        where,
        "One dataset, one model, one budget: nothing here speaks for others.",
    ]
