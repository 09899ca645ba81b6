"""Seventeen corruptions of images at five severities, the same for an image whoever asks.

Lengths are in 32nds of the image's side, so that a severity means about as much at any size.
"""

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as vision
from torchvision.transforms.v2.functional import pil_to_tensor, to_pil_image

SEVERITIES = 5


@dataclass(frozen=True)
class Corruption:
    """How images are spoilt: (pixels (b, c, h, w) in [0, 1], strength, draw) -> the same shape.

    draw: shape without rows -> standard uniform numbers, (b, *shape), each row's own
    """

    apply: Callable[[Tensor, float, Callable[..., Tensor]], Tensor]
    strengths: tuple[float, float, float, float, float]
    colour: bool = False
    """whether it needs three channels"""


Draw = Callable[..., Tensor]


def spoilt(x: Tensor, name: str, severity: int, *, first: int) -> Tensor:
    """Pixels in [0, 1], (b, c, h, w); severity 1 to 5; `first`: place of the first in its set."""
    which = list(CORRUPTIONS).index(name)
    generators = [np.random.default_rng([first + i, which, severity]) for i in range(len(x))]

    def draw(*shape: int) -> Tensor:
        found = np.stack([generator.random(shape) for generator in generators])
        return torch.from_numpy(found).to(x)

    corruption = CORRUPTIONS[name]
    return corruption.apply(x, corruption.strengths[severity - 1], draw).clamp(0, 1)


def _normal(draw: Draw, *shape: int) -> Tensor:
    return torch.special.ndtri(draw(*shape).double().clamp(1e-12, 1 - 1e-12))


# --- noise


def _gaussian_noise(x: Tensor, deviation: float, draw: Draw) -> Tensor:
    return x + deviation * _normal(draw, *x.shape[1:]).to(x)


def _shot_noise(x: Tensor, photons: float, draw: Draw) -> Tensor:
    """Poisson counts of so many photons at white, to the second moment."""
    return x + (x / photons).sqrt() * _normal(draw, *x.shape[1:]).to(x)


def _speckle_noise(x: Tensor, deviation: float, draw: Draw) -> Tensor:
    return x * (1 + deviation * _normal(draw, *x.shape[1:]).to(x))


def _impulse_noise(x: Tensor, share: float, draw: Draw) -> Tensor:
    """That share of all values black or white, half of them each."""
    u = draw(*x.shape[1:])
    return torch.where(u < share / 2, 0.0, torch.where(u > 1 - share / 2, 1.0, x))


# --- optics


def _gaussian_blur(x: Tensor, sigma: float, draw: Draw) -> Tensor:
    sigma = sigma * _unit(x)
    size = 2 * math.ceil(3 * sigma) + 1
    return vision.gaussian_blur(x, [min(size, _odd(x))] * 2, [sigma] * 2)


def _defocus_blur(x: Tensor, radius: float, draw: Draw) -> Tensor:
    """A disk, its border softened over a pixel."""
    radius = radius * _unit(x)
    reach = math.ceil(radius)
    at = torch.arange(-reach, reach + 1, dtype=x.dtype, device=x.device)
    distance = (at[:, None].square() + at[None].square()).sqrt()
    return _filtered(x, (radius + 0.5 - distance).clamp(0, 1)[None])


def _motion_blur(x: Tensor, length: float, draw: Draw) -> Tensor:
    """Along a line of its own direction for each image."""
    half = length * _unit(x) / 2
    reach = max(1, math.ceil(half))
    angle = draw() * math.pi
    at = torch.arange(-reach, reach + 1, dtype=x.dtype, device=x.device)
    down, right = at[None, :, None], at[None, None, :]
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    along, across = right * cos + down * sin, down * cos - right * sin
    inside = (half + 0.5 - along.abs()).clamp(0, 1) * (1 - across.abs()).clamp(0, 1)
    return _filtered(x, inside)


def _zoom_blur(x: Tensor, most: float, draw: Draw) -> Tensor:
    """The mean over zooms from 1 to 1 + most."""
    total = torch.zeros_like(x)
    zooms = [1 + most * i / 6 for i in range(7)]
    for zoom in zooms:
        turn = torch.tensor([[1 / zoom, 0, 0], [0, 1 / zoom, 0]], dtype=x.dtype, device=x.device)
        grid = F.affine_grid(turn.expand(len(x), 2, 3), list(x.shape), align_corners=False)
        total += F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    return total / len(zooms)


# --- weather


def _fog(x: Tensor, density: float, draw: Draw) -> Tensor:
    """Bright noise whose every octave is half as strong as the one before, mixed in."""
    height, width = x.shape[2:]
    fog = torch.zeros_like(x[:, :1])
    for octave in range(1, 5):
        coarse = draw(1, 2**octave, 2**octave)
        fog += F.interpolate(coarse, (height, width), mode="bilinear") / 2**octave
    return (x + density * (0.5 + fog)) / (1 + density)


def _snow(x: Tensor, share: float, draw: Draw) -> Tensor:
    """White flakes, drawn out along a direction, over a picture that pales."""
    flakes = (draw(1, *x.shape[2:]) < share).to(x)
    drifting = _motion_blur(flakes, 4.0, draw) * 1.5
    return x + (1 - x) * (drifting + 2 * share).clamp(max=0.9)


def _frost(x: Tensor, share: float, draw: Draw) -> Tensor:
    """Ice from the borders: white where coarse noise and nearness to the border are high."""
    height, width = x.shape[2:]
    down = torch.linspace(-1, 1, height, dtype=x.dtype, device=x.device).abs()
    right = torch.linspace(-1, 1, width, dtype=x.dtype, device=x.device).abs()
    near = torch.maximum(down[:, None], right[None])
    rough = F.interpolate(draw(1, 6, 6), (height, width), mode="bicubic")
    ice = ((near + rough) / 2 - (1 - share)).clamp(min=0) / share
    return x + (0.85 - x) * ice.clamp(max=0.9)


def _brightness(x: Tensor, more: float, draw: Draw) -> Tensor:
    return x + more


# --- digital


def _contrast(x: Tensor, factor: float, draw: Draw) -> Tensor:
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + factor * (x - mean)


def _saturation(x: Tensor, factor: float, draw: Draw) -> Tensor:
    return vision.adjust_saturation(x, factor)


def _pixelate(x: Tensor, share: float, draw: Draw) -> Tensor:
    """Shrunk to that share of its side by areas, and back by repetition."""
    size = [max(1, round(side * share)) for side in x.shape[2:]]
    return F.interpolate(F.interpolate(x, size, mode="area"), x.shape[2:], mode="nearest")


def _jpeg(x: Tensor, quality: float, draw: Draw) -> Tensor:
    pixels = (x.float() * 255).round().to(torch.uint8).cpu()
    return torch.stack([_coded(image, int(quality)) for image in pixels]).to(x) / 255


def _coded(image: Tensor, quality: int) -> Tensor:
    """(c, h, w) uint8 to a JPEG file and back."""
    file = io.BytesIO()
    to_pil_image(image).save(file, "JPEG", quality=quality)
    return pil_to_tensor(Image.open(file))


def _elastic(x: Tensor, reach: float, draw: Draw) -> Tensor:
    """Every point moved by up to so many 32nds, smoothly."""
    height, width = x.shape[2:]
    field = F.interpolate(draw(2, 5, 5) * 2 - 1, (height, width), mode="bicubic")
    plain = torch.eye(2, 3, dtype=x.dtype, device=x.device).expand(len(x), 2, 3)
    grid = F.affine_grid(plain, list(x.shape), align_corners=False)
    moved = grid + field.permute(0, 2, 3, 1) * (2 * reach / 32)
    return F.grid_sample(x, moved, padding_mode="border", align_corners=False)


CORRUPTIONS: Mapping[str, Corruption] = {
    "gaussian_noise": Corruption(_gaussian_noise, (0.04, 0.06, 0.08, 0.11, 0.15)),
    "shot_noise": Corruption(_shot_noise, (250, 120, 70, 40, 20)),
    "speckle_noise": Corruption(_speckle_noise, (0.08, 0.12, 0.17, 0.24, 0.35)),
    "impulse_noise": Corruption(_impulse_noise, (0.01, 0.02, 0.04, 0.07, 0.11)),
    "gaussian_blur": Corruption(_gaussian_blur, (0.5, 0.7, 0.9, 1.2, 1.6)),
    "defocus_blur": Corruption(_defocus_blur, (0.6, 1.0, 1.4, 1.9, 2.5)),
    "motion_blur": Corruption(_motion_blur, (2.0, 3.0, 4.0, 5.5, 7.5)),
    "zoom_blur": Corruption(_zoom_blur, (0.06, 0.1, 0.15, 0.22, 0.3)),
    "fog": Corruption(_fog, (0.2, 0.4, 0.7, 1.1, 1.8)),
    "snow": Corruption(_snow, (0.02, 0.04, 0.06, 0.09, 0.13)),
    "frost": Corruption(_frost, (0.35, 0.45, 0.55, 0.65, 0.75)),
    "brightness": Corruption(_brightness, (0.08, 0.14, 0.2, 0.28, 0.38)),
    "contrast": Corruption(_contrast, (0.75, 0.6, 0.45, 0.3, 0.18)),
    "saturation": Corruption(_saturation, (0.6, 0.3, 0.0, 2.5, 4.0), colour=True),
    "pixelate": Corruption(_pixelate, (0.85, 0.7, 0.6, 0.5, 0.4)),
    "jpeg": Corruption(_jpeg, (70, 50, 35, 22, 12)),
    "elastic": Corruption(_elastic, (0.6, 0.9, 1.3, 1.8, 2.5)),
}


# --- tools


def _unit(x: Tensor) -> float:
    """Pixels in a 32nd of the image's shorter side."""
    return min(x.shape[2:]) / 32


def _odd(x: Tensor) -> int:
    """The largest kernel that reflection at the border allows."""
    side = min(x.shape[2:])
    return side if side % 2 else side - 1


def _filtered(x: Tensor, kernels: Tensor) -> Tensor:
    """Each image with its kernel (b, k, k), or all with one (1, k, k); borders repeat."""
    b, c, h, w = x.shape
    kernels = kernels / kernels.sum((1, 2), keepdim=True)
    reach = kernels.shape[-1] // 2
    padded = F.pad(x, [reach] * 4, mode="replicate")
    weight = kernels.expand(b, -1, -1).repeat_interleave(c, 0)[:, None]
    found = F.conv2d(padded.reshape(1, b * c, *padded.shape[2:]), weight, groups=b * c)
    return found.reshape(b, c, h, w)
