"""What the program does to faces, drawn at random, so that training sees it: masks of brushes, colours of one face brought to those of another."""

from __future__ import annotations

import torch
from torch import Tensor

STROKES = 3
"""The most strokes of one mask."""
OVAL = (0.5, 0.55, 0.3, 0.38)
"""Middle (x, y) and radii of the oval that a face fills, in parts of the image."""
LEAST_RATIO, GREATEST_RATIO = 0.6, 1.6
"""Of the deviations of two faces' colours."""


def random_masks(count: int, size: int, random: torch.Generator) -> Tensor:
    """Masks (count, 1, size, size) as brushes leave them: one to three ellipses or rounded rectangles each, hard or feathered, a few of them thin.

    `random` lives on the CPU.
    """

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand((count, STROKES, 1, 1), generator=random)

    place = (torch.arange(size) + 0.5) / size
    x, y = uniform(0.1, 0.9), uniform(0.1, 0.9)
    radius_x, radius_y = uniform(0.05, 0.5), uniform(0.05, 0.5)
    exponent = torch.where(uniform(0, 1) < 0.5, 2.0, 8.0)
    feather = (uniform(-0.03, 0.12) * size).clamp(min=0)
    opacity = torch.where(uniform(0, 1) < 0.15, uniform(0.3, 1), 1.0)
    is_drawn = uniform(0, 1) < 0.5
    is_drawn[:, 0] = True
    distance = ((place - x).abs() / radius_x).pow(exponent) + ((place[:, None] - y).abs() / radius_y).pow(exponent)
    inside_px = (1 - distance.pow(1 / exponent)) * torch.minimum(radius_x, radius_y) * size
    weight = (inside_px / feather.clamp(min=1e-3) + 0.5).clamp(0, 1)
    weight = weight * weight * (3 - 2 * weight) * opacity * is_drawn
    return weight.amax(1, keepdim=True)


def match_colours(images: Tensor, references: Tensor) -> Tensor:
    """`images` with the mean and deviation, inside a face's oval, of the colours of `references`; both (N, 3, size, size) in [-1, 1].

    Per channel of an opponent space: (R + G + B) / 3, (R - B) / 2, G / 2 - (R + B) / 4.
    """
    to_opponent = images.new_tensor([[1 / 3, 1 / 3, 1 / 3], [0.5, 0, -0.5], [-0.25, 0.5, -0.25]])
    from_opponent = torch.linalg.inv(to_opponent)
    size = images.shape[-1]
    place = (torch.arange(size, device=images.device) + 0.5) / size
    x, y, radius_x, radius_y = OVAL
    inside = ((((place - x) / radius_x) ** 2)[None, :] + (((place - y) / radius_y) ** 2)[:, None] <= 1).float()
    inside = inside / inside.sum()

    def moments(opponent: Tensor) -> tuple[Tensor, Tensor]:
        mean = (opponent * inside).sum((2, 3), keepdim=True)
        return mean, ((opponent - mean).pow(2) * inside).sum((2, 3), keepdim=True).sqrt()

    own = torch.einsum("ij,njhw->nihw", to_opponent, images)
    mean, deviation = moments(own)
    wanted_mean, wanted_deviation = moments(torch.einsum("ij,njhw->nihw", to_opponent, references))
    ratio = (wanted_deviation / (deviation + 1e-6)).clamp(LEAST_RATIO, GREATEST_RATIO)
    matched = (own - mean) * ratio + wanted_mean
    return torch.einsum("ij,njhw->nihw", from_opponent, matched).clamp(-1, 1)
