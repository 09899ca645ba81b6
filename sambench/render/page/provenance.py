"""How to repeat a study, and where its numbers come from."""

from collections.abc import Mapping

from sambench.analysis import Leaderboard
from sambench.render import ownership


def origin(leaderboard: Leaderboard, records: str) -> list[str]:
    """`records`: the name of their file."""
    header = leaderboard.header
    found = [
        f"date {header['date']}, commit {header['commit']}",
        f"machines: {'; '.join(leaderboard.machines) or 'none'}",
        f"host: {_pairs(header['hardware'])}",
        f"versions: {_pairs(header['versions'])}",
    ]
    if own := header.get("own"):
        found.append(f"a Python caller brought {_pairs(own)}: their code is not in the records")
    return [*found, f"{ownership.STUDY}{records}`."]


def _pairs(found: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items())
