"""Which labels become wrong, and what they become."""

import numpy as np
import pytest
import torch

from sambench import config
from sambench.errors import UserError
from sambench.tasks.images.images import Images
from sambench.tasks.noise import CIFAR10, Flips, mislabel

CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


def images(classes: int, each: int = 30) -> Images:
    y = torch.arange(classes).repeat(each)
    return Images(torch.zeros(len(y), 1, 2, 2, dtype=torch.uint8), y)


def flipped(
    share: float, classes: tuple[str, ...], flips: Flips, seed: int = 0
) -> set[tuple[str, str]]:
    """Pairs of right and wrong labels; exactly the share of all labels is wrong."""
    clean = images(len(classes))
    noisy = mislabel(clean, share, classes, np.random.default_rng(seed), flips)
    wrong = clean.y != noisy.y
    assert int(wrong.sum()) == round(share * len(clean))
    again = mislabel(clean, share, classes, np.random.default_rng(seed), flips)
    assert torch.equal(again.y, noisy.y)
    pairs = zip(clean.y[wrong].tolist(), noisy.y[wrong].tolist(), strict=True)
    return {(classes[a], classes[b]) for a, b in pairs}


def test_asymmetric_is_the_published_map_where_the_classes_are_cifar10s():
    assert flipped(0.4, CLASSES, "asymmetric") == set(CIFAR10.items())
    assert flipped(0.4, tuple(sorted(CLASSES, reverse=True)), "asymmetric") == set(CIFAR10.items())


def test_asymmetric_is_the_next_class_elsewhere():
    names = ("a", "b", "c")
    assert flipped(0.5, names, "asymmetric") == {("a", "b"), ("b", "c"), ("c", "a")}


def test_a_map_of_ones_own():
    assert flipped(0.2, ("a", "b", "c"), {"a": "c"}) == {("a", "c")}


def test_symmetric_reaches_every_other_class():
    names = ("a", "b", "c")
    expected = {(a, b) for a in names for b in names if a != b}
    assert flipped(0.5, names, "symmetric") == expected


def test_symmetric_labels_are_those_of_studies_before_there_was_a_choice():
    noisy = mislabel(images(4, 3), 0.5, "abcd", np.random.default_rng(7))
    rng = np.random.default_rng(7)
    rows, shift = rng.choice(12, 6, replace=False), rng.integers(1, 4, 6)
    expected = images(4, 3).y.numpy().copy()
    expected[rows] = (expected[rows] + shift) % 4
    assert noisy.y.tolist() == expected.tolist()


def test_refusals():
    with pytest.raises(UserError, match=r"no class 'dgo'"):
        flipped(0.2, CLASSES, {"cat": "dgo"})
    with pytest.raises(UserError, match=r"at most 0\.33"):
        flipped(0.5, ("a", "b", "c"), {"a": "c"})


@pytest.mark.parametrize("wrong", ['"asymetric"', "0.4", '{ cat = "cat" }', "{ cat = 3 }"])
def test_a_study_says_it_in_one_line(wrong: str, spec: dict[str, object]):
    with pytest.raises(UserError, match=r"task\.label_flips: must be") as caught:
        config.parse({**spec, "name": "mine"}, overrides=(f"task.label_flips={wrong}",))
    assert "\n" not in str(caught.value)


def test_studies_that_say_nothing_stay_what_they_are(spec: dict[str, object]):
    study = config.parse(spec)
    assert "label_flips" not in study.model_dump()["task"]
    other = config.parse(spec, overrides=("task.label_flips=asymmetric",))
    assert other.model_dump()["task"]["label_flips"] == "asymmetric"
