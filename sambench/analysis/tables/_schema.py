"""Columns and dtypes that a tidy table keeps, also without a row."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

Schema = Mapping[str, str]
"""Column -> pandas dtype."""


def typed(data: Any, schema: Schema) -> pd.DataFrame:
    """A frame with exactly these columns, in this order, of these dtypes and a fresh index."""
    frame = pd.DataFrame(data)
    frame = (
        frame.reindex(columns=list(schema))
        if len(frame.columns)
        else pd.DataFrame([], columns=list(schema))
    )
    return frame.astype(dict(schema)).reset_index(drop=True)
