"""What the time of a study's workers went to, in a line."""

from collections.abc import Mapping

from sambench.analysis import duration, numbers

LEAST = 0.01  # of all, to be named
LITTLE_S = 1.0
WORDS = {
    "first_steps": "first steps",
    "running": "runs under way",
    "telling": "telling of epochs",
    "wandb": "W&B",
    "workers": "workers' start",
}


def render(spent: Mapping[str, float], places: int) -> str:
    """Shares, the largest first; empty where nothing is known, or there was nothing to wait for.

    spent: seconds by part; places: workers
    """
    total = sum(spent.values())
    if total < LITTLE_S:
        return ""
    shares = {WORDS.get(part, part): seconds / total for part, seconds in spent.items()}
    named = {part: share for part, share in shares.items() if share >= LEAST}
    told = [f"{part} {share:.0%}" for part, share in sorted(named.items(), key=lambda x: -x[1])]
    if len(named) < len(shares):
        told.append(f"the rest {1 - sum(named.values()):.0%}")
    who = numbers.times(places, "worker")
    return f"the time of {who}, {duration(total)} in all: {', '.join(told)}"
