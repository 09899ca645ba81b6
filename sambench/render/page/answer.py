"""What to use, what that costs, and how sure it is: each a name and a sentence."""

from sambench.analysis import Leaderboard, Row, Setting, listing, numbers
from sambench.render.tables import settings

Told = tuple[str, str]


def answer(leaderboard: Leaderboard) -> list[Told]:
    """Nothing is said twice, and nothing that was not concluded."""
    use = next((row for row in leaderboard.rows if row.label == leaderboard.use), None)
    found = [("Use this", leaderboard.advice)]
    if use and use.setting:
        found.append(("Its setting", setting(leaderboard, use.setting, use.label)))
    if use and use.cost:
        found.append(("Its cost", cost(use, leaderboard.timed_on)))
    if sure := how_sure(leaderboard, use):
        found.append(("How sure", sure))
    return found


def setting(leaderboard: Leaderboard, found: Setting, label: str) -> str:
    """lr, radius, epochs, and the score that they were confirmed with."""
    arm = leaderboard.header["arms"][label]
    words = [f"lr {numbers.setting(found.lr)}"]
    if found.rho is not None:
        words.append(f"{arm['radius']} {numbers.setting(found.rho)}")
    words += filter(None, [settings.hyperparameters(found, arm["radius"])])
    words.append(f"{found.epochs} epochs")
    if found.score is None:
        return f"{', '.join(words)}; not confirmed."
    again = "once" if found.runs == 1 else f"{found.runs} times"
    return (
        f"{', '.join(words)}. Trained {again} on fresh streams, it scored "
        f"{numbers.accuracy(found.score)}% on the test set."
    )


def cost(row: Row, timed_on: str) -> str:
    """Of one run."""
    assert row.cost
    found = f"{numbers.count(row.cost.gradient_evaluations)} gradient evaluations a run"
    if row.cost.ratio is not None:
        found += f", {numbers.ratio(row.cost.ratio)} a full run of plain"
    if row.cost.seconds is not None:
        found += f"; {row.cost.seconds:,.1f} s on {timed_on}"
    return f"{found}."


def how_sure(leaderboard: Leaderboard, use: Row | None) -> str:
    """Which arms are not separated, how wide the intervals are, what was concluded before."""
    ranked, size = [row for row in leaderboard.rows if row.group], leaderboard.size
    if not ranked:
        return ""
    found = []
    if use and use.group:
        equals = [row.label for row in ranked if row != use and set(row.group) & set(use.group)]
        told = f"not separated from {listing(equals)}" if equals else "separated from all others"
        found.append(f"{use.label} is {told}.")
    halves = sorted(_half(row) for row in ranked if row.score and row.score.high is not None)
    if halves:
        low, high = numbers.percent(halves[0]), numbers.percent(halves[-1])
        wide = f"±{low}" if low == high else f"±{low} to ±{high}"
        of = (
            "over training"
            if leaderboard.kind == "fixed"
            else f"with the luck of search and training in them, from pools of {size.searches} "
            "searches"
        )
        found.append(f"95% intervals of the scores are {wide} points wide, {of}.")
    if size.extension:
        times = "once" if size.extension == 1 else f"{size.extension} times"
        found.append(
            f"The study was concluded {times} before at another size, so its claims are tested at "
            f"{100 * size.alpha:.3g}% instead of 5%."
        )
    return " ".join(found)


def _half(row: Row) -> float:
    assert row.score and row.score.high is not None
    return row.score.high - row.score.value
