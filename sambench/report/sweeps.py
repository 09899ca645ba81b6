"""Which runs may rank: a study's own, and trials of W&B sweeps only where they are fair."""

import pandas as pd

STUDY, SWEEP = "study", "sweep"


def rankable(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that count in a ranking.

    A sweep's rows are among them only if every variant of the study was swept, and with the same
    number of trials: whoever searches more finds more.
    """
    swept = frame["source"] == SWEEP
    if not swept.any():
        return frame
    trials = frame[swept & (frame["stage"] == "search")].groupby("variant").size()
    fair = set(trials.index) == set(frame["variant"]) and trials.nunique() == 1
    return frame if fair else frame[~swept]
