"""Which runs may rank: a study's own, and trials of W&B sweeps only where they are fair."""

import pandas as pd

SWEEP = "sweep"


def rankable(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that count in a ranking.

    A sweep's rows are among them only if every variant of the study was swept, and with the same
    number of trials: whoever searches more finds more.
    """
    swept = frame.query("source == @SWEEP and stage == 'search'")["variant"].value_counts()
    fair = set(swept.index) == set(frame["variant"]) and swept.nunique() == 1
    return frame if fair else frame.query("source != @SWEEP")
