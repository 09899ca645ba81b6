"""How to repeat a study, and where its numbers come from."""

from collections.abc import Mapping

from sambench.analysis import Leaderboard, Spent, listing, numbers
from sambench.render import ownership


def origin(leaderboard: Leaderboard, records: str) -> list[str]:
    """`records`: the name of their file."""
    header = leaderboard.header
    found = [
        f"date {header['date']}, commit {header['commit']}",
        f"cost: {_spent(leaderboard.spent)}",
        f"machines: {'; '.join(leaderboard.machines) or 'none'}",
        f"host: {_pairs(header['hardware'])}",
        f"versions: {_pairs(header['versions'])}",
    ]
    if own := header.get("own"):
        found.append(
            f"{listing(list(own))} above: a Python caller's own ({_pairs(own)}), which the records "
            "do not hold"
        )
    return [*found, f"{ownership.STUDY}{records}`."]


def _spent(spent: Spent) -> str:
    evaluations = numbers.count(spent.gradient_evaluations)
    took = numbers.duration(spent.seconds)
    return (
        f"{numbers.times(spent.runs, 'run')}, {evaluations} gradient evaluations, {took} if one "
        "worker ran them all"
    )


def _pairs(found: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items())
