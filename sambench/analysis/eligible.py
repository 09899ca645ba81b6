"""Which runs may rank: a study's own, and trials of W&B sweeps only where they are fair."""

import pandas as pd

from sambench.records import Records

SWEEP = "sweep"


def rankable(records: Records) -> pd.DataFrame:
    """The rows that count in a ranking.

    The study decided whether its sweeps' trials do, before it chose the first finalist
    (`sambench.study.agent_trials.admitted`); the header says so.
    """
    frame = records.frame
    admitted = records.header.get("swept", {}).get("ranked")
    return frame if admitted else frame.loc[(frame["source"] != SWEEP).to_numpy()]
