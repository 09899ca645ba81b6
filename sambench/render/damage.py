"""How damaged records are told to readers."""

from sambench.analysis import Analysis

LISTED = 10  # one by one; the JSON output has all


def summary(analysis: Analysis) -> str:
    """What is wrong with the records in a sentence, "" if nothing is."""
    if not analysis.damages:
        return ""
    return f"Damaged records: what is damaged or missing in {analysis.study}.csv is not counted."


def listed(analysis: Analysis) -> list[str]:
    """What is wrong, line by line, up to a limit."""
    told, more = analysis.damages[:LISTED], len(analysis.damages) - LISTED
    return [*told, f"and {more} more"] if more > 0 else list(told)
