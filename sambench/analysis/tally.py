"""How many runs had each outcome."""

from collections import defaultdict

import pandas as pd

from sambench.records import OUTCOMES


def tally(frame: pd.DataFrame, by: str) -> defaultdict[str, dict[str, int]]:
    """Outcome -> runs, by the values of a column."""
    found: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(OUTCOMES, 0))
    for value, counts in pd.crosstab(frame[by], frame["outcome"]).to_dict("index").items():
        found[str(value)] |= counts
    return found
