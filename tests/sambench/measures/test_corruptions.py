"""Corruptions: the same for an image whoever asks, worse with severity, and what they say."""

import pytest
import torch

from sambench.measures.spoiling import CORRUPTIONS, SEVERITIES, spoilt


def picture(rows: int = 3, side: int = 32, channels: int = 3) -> torch.Tensor:
    """Smooth shapes with edges."""
    at = torch.linspace(0, 1, side, dtype=torch.float64)
    waves = torch.stack(
        [(at[:, None] * (2 + i) * 3).sin() * (at * (3 + i)).cos() for i in range(rows)]
    )
    colours = torch.linspace(0.5, 1, channels, dtype=torch.float64)
    edges = (waves > 0.2) * 0.3
    return (0.35 + 0.2 * waves + edges)[:, None] * colours[None, :, None, None]


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_they_are_pixels_and_depend_on_the_image_alone(name: str):
    x = picture()
    whole = spoilt(x, name, 3, first=5)
    assert whole.shape == x.shape and whole.dtype == x.dtype
    assert 0 <= float(whole.min()) and float(whole.max()) <= 1
    one_by_one = [spoilt(x[i : i + 1], name, 3, first=5 + i) for i in range(len(x))]
    assert torch.allclose(torch.cat(one_by_one), whole, atol=1e-12)
    torch.manual_seed(7)
    assert torch.equal(spoilt(x, name, 3, first=5), whole)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_worst_severity_changes_more_than_the_first(name: str):
    x = picture(rows=8)
    changes = [
        float((spoilt(x, name, level, first=0) - x).abs().mean())
        for level in range(1, SEVERITIES + 1)
    ]
    assert 0 < changes[0] < changes[-1]


@pytest.mark.parametrize("name", [n for n, c in CORRUPTIONS.items() if not c.colour])
def test_small_grey_images(name: str):
    x = picture(side=9, channels=1).float()
    found = spoilt(x, name, 5, first=0)
    assert found.shape == x.shape and bool(found.isfinite().all())


def test_noise_has_its_deviation():
    x = torch.full((4, 3, 64, 64), 0.5, dtype=torch.float64)
    assert float(spoilt(x, "gaussian_noise", 2, first=0).std()) == pytest.approx(0.06, rel=0.03)
    assert float(spoilt(x, "shot_noise", 5, first=0).std()) == pytest.approx(
        (0.5 / 20) ** 0.5, rel=0.05
    )
    changed = (spoilt(x, "impulse_noise", 5, first=0) != 0.5).double().mean()
    assert float(changed) == pytest.approx(0.11, rel=0.05)


def test_blurs_keep_a_flat_image():
    x = torch.full((2, 3, 16, 16), 0.4, dtype=torch.float64)
    for name in (
        "gaussian_blur",
        "defocus_blur",
        "motion_blur",
        "zoom_blur",
        "elastic",
        "pixelate",
    ):
        assert torch.allclose(spoilt(x, name, 5, first=0), x, atol=1e-6), name
