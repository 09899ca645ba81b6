"""Which runs count: a study's own. Those that a W&B agent ran are shown, and rank nothing."""

import pandas as pd

from sambench.records import Records

SWEEP = "sweep"


def own(records: Records) -> pd.DataFrame:
    """The rows that the study's answer rests on."""
    frame = records.frame
    swept = (frame["source"] == SWEEP) | (frame["stage"] == SWEEP)
    return frame.loc[~swept.to_numpy()]
