"""Holm and the letters against scipy, statsmodels and scikit-posthocs."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scikit_posthocs import compact_letter_display
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from sambench import stats

RNG = np.random.default_rng(0)
A = RNG.normal(0.95, 0.01, 10)


@pytest.mark.parametrize("ps", [[0.01, 0.04, 0.03], [0.02, 0.02, 0.9, 0.001], [0.5], []])
def test_holm_equals_statsmodels(ps: list[float]):
    known = np.asarray(multipletests(ps, method="holm")[1]) if ps else []
    assert stats.holm(ps) == pytest.approx(known)


def test_families_are_adjusted_apart():
    ps = np.random.default_rng(3).uniform(size=(4, 6)) ** 3
    known = [multipletests(family, method="holm")[1] for family in ps]
    assert stats.adjust(ps) == pytest.approx(np.array(known))


@pytest.mark.parametrize("seed", range(5))
def test_letters_equal_scikit_posthocs(seed: int):
    rng = np.random.default_rng(seed)
    means, spreads = rng.normal(0, 0.01, (6, 1)), rng.uniform(0.001, 0.01, (6, 1))
    scores = dict(zip("abcdef", means + spreads * rng.normal(size=(6, 8)), strict=True))
    pairs = list(combinations(scores, 2))
    ps = stats.holm([scipy_stats.ttest_rel(scores[a], scores[b]).pvalue for a, b in pairs])
    known = pd.DataFrame(1.0, index=list(scores), columns=list(scores))
    for (a, b), p in zip(pairs, ps, strict=True):
        known.loc[a, b] = known.loc[b, a] = p
    theirs = compact_letter_display(known, stats.ALPHA)
    ours = stats.groups(scores)
    for a, b in pairs:
        shared = set(theirs[a].replace(" ", "")) & set(theirs[b].replace(" ", ""))
        assert bool(set(ours[a]) & set(ours[b])) == bool(shared)
    assert len(set("".join(ours.values()))) == len(set("".join(theirs)) - {" "})


def test_letters_of_a_chain():
    """Ends differ, the middle ties with both: the textbook a, ab, b."""
    noise = np.tile([-1, 1], 5) * 0.004
    scores = {"low": 0.90 + 0 * noise, "mid": 0.903 + noise, "high": 0.906 + 0 * noise}
    assert stats.groups(scores) == {"high": "a", "mid": "ab", "low": "b"}
    assert list(stats.groups(scores)) == ["high", "mid", "low"]


def test_ties_share_one_letter():
    assert stats.groups({"b": A, "a": A}) == {"a": "a", "b": "a"}


@pytest.mark.parametrize("seed", range(20))
def test_letters_are_shared_exactly_by_the_unseparated(seed: int):
    rng = np.random.default_rng(seed)
    means, spreads = rng.normal(0, 0.01, (8, 1)), rng.uniform(0.001, 0.03, (8, 1))
    scores = dict(zip("abcdefgh", means + spreads * rng.normal(size=(8, 6)), strict=True))
    pairs = list(combinations(scores, 2))
    ps = [scipy_stats.ttest_rel(scores[a], scores[b]).pvalue for a, b in pairs]
    separated = multipletests(ps, method="holm")[0]
    letters = stats.groups(scores)
    for (a, b), apart in zip(pairs, separated, strict=True):
        assert bool(set(letters[a]) & set(letters[b])) != apart
    held = [
        {x for x in letters if letter in letters[x]} for letter in set("".join(letters.values()))
    ]
    assert not any(a < b for a in held for b in held), "a letter that says nothing"
