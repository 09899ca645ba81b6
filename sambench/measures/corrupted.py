"""Accuracies by corruption and severity as one quantity."""

import numpy as np

from sambench.measures.measure import Detailed


def summed_up(table: np.ndarray) -> Detailed:
    """Accuracies (corruptions, severities), severity 0 first: the mean beyond it.

    Corruptions that these images do not have are rows of NaN.
    """
    known = table[~np.isnan(table).any(axis=1), 1:]
    return Detailed(float(known.mean()), table)
