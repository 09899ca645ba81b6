"""Many comparisons at once: Holm's adjustment, and letters for what is not separated."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from string import ascii_letters

import numpy as np
from numpy.typing import ArrayLike

from sambench.stats.paired import ALPHA, t_test
from sambench.stats.sums import mean, whole


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment: compare each result with ALPHA itself."""
    return adjust(np.asarray(ps, float)).tolist()


def adjust(ps: np.ndarray) -> np.ndarray:
    """Holm's adjustment within each family, ps: (..., family); Holm (1979), JSTOR 4615733."""
    order = np.argsort(ps, axis=-1, kind="stable")
    stepped = np.take_along_axis(ps, order, -1) * np.arange(ps.shape[-1], 0, -1)
    adjusted = np.empty_like(stepped)
    ordered = np.minimum(np.maximum.accumulate(stepped, axis=-1), 1)
    np.put_along_axis(adjusted, order, ordered, -1)
    return adjusted


def groups(scores: Mapping[str, ArrayLike]) -> dict[str, str]:
    """Compact letter display, best mean first: two share a letter unless they are separated.

    Separated means: Holm p below ALPHA, over the paired t tests of all pairs.
    """
    labels = sorted(scores, key=lambda label: (-mean(scores[label]), label))
    table, _ = whole([np.asarray(scores[label], float) for label in labels])
    pairs = list(combinations(range(len(labels)), 2))
    ps = [t_test(table[i] - table[i + 1 :])[2] for i in range(len(labels) - 1)]
    adjusted = holm(np.nan_to_num(np.concatenate([[], *ps]), nan=1.0).tolist())
    separated = [pair for pair, p in zip(pairs, adjusted, strict=True) if p < ALPHA]
    return dict(zip(labels, letters(len(labels), separated), strict=True))


def letters(num: int, separated: Iterable[tuple[int, int]]) -> list[str]:
    """One letter per maximal set of 0..num-1 without a separated pair (Piepho 2004)."""
    sets = {frozenset(range(num))}
    for pair in separated:
        split = {s for s in sets if not s.issuperset(pair)}
        split |= {s - {i} for s in sets if s.issuperset(pair) for i in pair}
        sets = {s for s in split if not any(s < other for other in split)}
    ordered = sorted(sets, key=sorted)
    return [
        "".join(a for a, s in zip(ascii_letters, ordered, strict=False) if i in s)
        for i in range(num)
    ]
