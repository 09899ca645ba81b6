"""Which runs count: a study's own. Those that a W&B agent ran are shown, and rank nothing."""

import numpy as np
import pandas as pd

from sambench.records import Records

SWEEP = "sweep"


def own(records: Records) -> pd.DataFrame:
    """The rows that the study's answer rests on."""
    frame = records.frame
    swept = (frame["source"] == SWEEP) | (frame["stage"] == SWEEP)
    return where(frame, ~swept.to_numpy())


def where(frame: pd.DataFrame, kept: np.ndarray) -> pd.DataFrame:
    """The rows of which it is true; a frame of all of them is no copy."""
    return frame if kept.all() else frame.loc[kept]
