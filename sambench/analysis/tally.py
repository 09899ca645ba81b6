"""How many runs had each outcome."""

from collections import defaultdict

import pandas as pd

from sambench.records import OUTCOMES


def tally(frame: pd.DataFrame, by: str) -> defaultdict[str, dict[str, int]]:
    """Outcome -> runs, by the values of a column."""
    found: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(OUTCOMES, 0))
    counts = frame.groupby([by, "outcome"], observed=True).size()
    for (value, outcome), num in counts.to_dict().items():
        found[str(value)][str(outcome)] = num
    return found
