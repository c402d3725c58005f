"""What photos have and generated faces lack: other light, another white balance, a crop that is a little off, blur, JPEG.

A model learns to give back the light, the colours and the crop that it sees, so these are in what it is to reconstruct as well. Blur and JPEG are only
in what the encoder sees: it should look through them, and the generator should not learn to paint them.

Images (N, 3, size, size) in [-1, 1]. Random numbers are drawn on the CPU, by a generator, so that runs repeat exactly.
"""

from __future__ import annotations

import io
import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from data import to_images, to_pixels

GAMMA = 0.45
"""Photos are darkened or lightened by x ** exp(g), x from 0 to 1, g up to this."""
SIDE_LIGHT = 0.35
"""How much darker or lighter one border of the image gets than the middle, at most."""
WHITE_BALANCE = 0.12
"""How far red and blue are scaled from green."""
SHIFT, SCALE, ROTATION = 0.03, 0.06, math.radians(4)
"""How far a crop is off: in parts of the image, relative, in radians."""
BLUR = 1.2
"""The greatest sigma, in pixels of a 256 px image."""
QUALITY = (35, 90)
"""Of JPEG."""


def _uniform(count: int, low: float, high: float, random: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand((count, 1, 1, 1), generator=random)


def relight(images: Tensor, random: torch.Generator) -> Tensor:
    """Other light and white balance."""
    count, size, device = len(images), images.shape[-1], images.device
    gamma = _uniform(count, -GAMMA, GAMMA, random).exp()
    angle = _uniform(count, 0, 2 * math.pi, random)
    strength = _uniform(count, 0, SIDE_LIGHT, random)
    red, blue = (_uniform(count, -WHITE_BALANCE, WHITE_BALANCE, random).exp() for _ in range(2))
    place = torch.linspace(-1, 1, size)
    side = 1 + strength * (angle.cos() * place + angle.sin() * place[:, None])
    balance = torch.cat([red, torch.ones_like(red), blue], 1)
    balance = balance / balance.mean(1, keepdim=True)
    x = ((images + 1) / 2).clamp(0, 1)
    return (x.pow(gamma.to(device)) * (side * balance).to(device)).clamp(0, 1) * 2 - 1


def move_crop(images: Tensor, random: torch.Generator) -> Tensor:
    """A crop that is a little off; beyond the borders the image is mirrored."""
    count = len(images)
    angle = _uniform(count, -ROTATION, ROTATION, random)
    scale = _uniform(count, -SCALE, SCALE, random).exp()
    shift_x, shift_y = (_uniform(count, -2 * SHIFT, 2 * SHIFT, random) for _ in range(2))
    across, down = scale * angle.cos(), scale * angle.sin()
    matrix = torch.stack([across, -down, shift_x, down, across, shift_y], -1).view(count, 2, 3).to(images.device)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bicubic", padding_mode="reflection", align_corners=False).clamp(-1, 1)


def blur(image: Tensor, sigma_px: float) -> Tensor:
    """One image (1, 3, size, size), blurred by a Gaussian."""
    radius = max(1, math.ceil(2.5 * sigma_px))
    place = torch.arange(-radius, radius + 1, device=image.device)
    row = (-0.5 * (place / sigma_px) ** 2).exp()
    row = (row / row.sum()).repeat(3, 1, 1, 1)
    padded = F.pad(image, (radius, radius, radius, radius), mode="replicate")
    return F.conv2d(F.conv2d(padded, row, groups=3), row.transpose(2, 3), groups=3)


def jpeg(image: Tensor, quality: int) -> Tensor:
    """One image (1, 3, size, size) as JPEG gives it back."""
    file = io.BytesIO()
    Image.fromarray(to_pixels(image)[0]).save(file, "JPEG", quality=quality)
    return to_images(torch.from_numpy(np.asarray(Image.open(file)).copy())[None], image.device)


def augment(images: Tensor, part: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """(what the encoder sees, what it should reconstruct): each change is made to `part` of the images, by itself."""
    count = len(images)

    def some() -> Tensor:
        return torch.rand((count, 1, 1, 1), generator=random) < part

    for change in (relight, move_crop):
        # All are changed and some are taken, so that the random numbers drawn do not depend on which.
        changed = change(images, random)
        images = torch.where(some().to(images.device), changed, images)
    seen = images.clone()
    is_blurred, sigma = some(), _uniform(count, 0.3, BLUR, random) * images.shape[-1] / 256
    is_jpeg, quality = some(), _uniform(count, *QUALITY, random)
    for index in range(count):
        one = seen[index : index + 1]
        if is_blurred[index]:
            one = blur(one, float(sigma[index]))
        if is_jpeg[index]:
            one = jpeg(one, int(quality[index]))
        seen[index : index + 1] = one
    return seen, images
