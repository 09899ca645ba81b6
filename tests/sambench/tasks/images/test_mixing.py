"""mixup and cutmix: what is mixed, with which labels, as a function of what."""

import pytest
import torch

from sambench.tasks.images.mixing import mix

X = torch.rand(8, 3, 10, 10, generator=torch.Generator().manual_seed(0))
Y = torch.arange(8) % 5


def mixed(
    mixup: float = 0.0, cutmix: float = 0.0, seed: tuple[int, ...] = (0,)
) -> tuple[torch.Tensor, torch.Tensor]:
    return mix(X, Y, mixup=mixup, cutmix=cutmix, classes=5, seed=seed)


def test_no_alpha_changes_nothing():
    x, y = mixed()
    assert x is X and y is Y


def test_mixup_interpolates_images_and_labels_alike():
    x, y = mixed(mixup=1.0)
    share = y[0, Y[0]]
    assert 0 < share < 1
    torch.testing.assert_close(x, share * X + (1 - share) * X.roll(1, 0))
    own, other = torch.eye(5)[Y], torch.eye(5)[Y.roll(1)]
    torch.testing.assert_close(y, share * own + (1 - share) * other)


def test_cutmix_pastes_a_box_and_its_area_is_the_label_s_share():
    for number in range(20):
        x, y = mixed(cutmix=1.0, seed=(number,))
        kept = (x == X).all(1)  # (8, 10, 10)
        assert ((x == X) | (x == X.roll(1, 0))).all()
        torch.testing.assert_close(y[0, Y[0]], kept[0].float().mean())


def test_of_both_one_is_drawn_per_step():
    pasted = [bool((mixed(0.5, 0.5, (s,))[0] == X).any()) for s in range(40)]
    assert 8 < sum(pasted) < 32


@pytest.mark.parametrize("alphas", [(0.2, 0.0), (0.0, 1.0), (0.2, 1.0)])
def test_a_mix_is_a_function_of_its_seed_and_leaves_the_generators_alone(
    alphas: tuple[float, float],
):
    before = torch.get_rng_state()
    first = mixed(*alphas, seed=(1, 2, 3))
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(5)
    assert all(map(torch.equal, first, mixed(*alphas, seed=(1, 2, 3))))
    assert not torch.equal(first[0], mixed(*alphas, seed=(1, 2, 4))[0])
