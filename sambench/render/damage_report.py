"""How damaged records are told to readers."""

from sambench.analysis import Leaderboard

LISTED = 10  # one by one; the JSON output has all


def summary(leaderboard: Leaderboard, file: str) -> str:
    """What is wrong with the records of that name in a sentence, "" if nothing is."""
    if not leaderboard.damages:
        return ""
    return f"Damaged records: what is damaged or missing in {file} is not counted."


def listed(leaderboard: Leaderboard) -> list[str]:
    """What is wrong, line by line, up to a limit."""
    told, more = leaderboard.damages[:LISTED], len(leaderboard.damages) - LISTED
    return [*told, f"and {more} more"] if more > 0 else list(told)
