"""Holm and the letters against statsmodels and scikit-posthocs."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scikit_posthocs import compact_letter_display
from statsmodels.stats.multitest import multipletests

from sambench.stats.multiple import holm, letters, rejected

Pairs = list[tuple[int, int]]


@pytest.mark.parametrize("ps", [[0.01, 0.04, 0.03], [0.02, 0.02, 0.9, 0.001], [0.5], []])
def test_holm_equals_statsmodels(ps: list[float]):
    known = np.asarray(multipletests(ps, method="holm")[1]) if ps else []
    assert holm(ps) == pytest.approx(known)


def test_holm_of_many_equals_statsmodels():
    ps = (np.random.default_rng(3).uniform(size=40) ** 3).tolist()
    assert holm(ps) == pytest.approx(np.asarray(multipletests(ps, method="holm")[1]))


def drawn(seed: int, num: int) -> Pairs:
    """Some pairs of the arms, in any order."""
    rng = np.random.default_rng(seed)
    return [pair for pair in combinations(range(num), 2) if rng.random() < rng.uniform(0.2, 0.8)]


@pytest.mark.parametrize("seed", range(5))
def test_letters_equal_scikit_posthocs(seed: int):
    separated = drawn(seed, 6)
    known = pd.DataFrame(1.0, index=list("abcdef"), columns=list("abcdef"))
    for i, j in separated:
        known.iloc[i, j] = known.iloc[j, i] = 0.001
    theirs = [word.replace(" ", "") for word in compact_letter_display(known, 0.05)]
    ours = letters(6, separated)
    for i, j in combinations(range(6), 2):
        assert bool(set(ours[i]) & set(ours[j])) == bool(set(theirs[i]) & set(theirs[j]))
    assert len(set("".join(ours))) == len(set("".join(theirs)))


def test_letters_of_a_chain():
    """Ends differ, the middle ties with both: the textbook a, ab, b."""
    assert letters(3, [(0, 2)]) == ["a", "ab", "b"]
    assert letters(2, []) == ["a", "a"]


@pytest.mark.parametrize("seed", range(20))
def test_letters_are_shared_exactly_by_the_unseparated(seed: int):
    separated = drawn(seed, 8)
    found = letters(8, separated)
    for pair in combinations(range(8), 2):
        i, j = pair
        assert bool(set(found[i]) & set(found[j])) != (pair in separated)
    held = [{i for i in range(8) if letter in found[i]} for letter in set("".join(found))]
    assert not any(a < b for a in held for b in held), "a letter that says nothing"


@pytest.mark.parametrize("level", [0.001, 0.05, 0.5])
@pytest.mark.parametrize("power", [1, 2, 8])
@pytest.mark.parametrize("num", [0, 1, 30])
def test_holm_rejects_as_many_without_knowing_every_p(num: int, power: int, level: float):
    ps = sorted((np.random.default_rng(num).random(num) ** power).tolist())
    assert rejected(ps.__getitem__, num, level) == sum(each < level for each in holm(ps))


def test_holm_asks_for_few_of_many():
    asked = set[int]()

    def p(i: int) -> float:
        asked.add(i)
        return 1e-30 if i < 900 else 0.9

    assert rejected(p, 1000, 0.05) == 900
    assert len(asked) < 20
