"""The losses: ours of the autoencoder phase, and the published ones of the adversarial phase."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SCALES = 4


def multi_scale_l1(image: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference at full, 1/2, 1/4 and 1/8 size, averaged: coarse errors count more than in one scale."""
    total = image.new_zeros(())
    for scale in range(SCALES):
        if scale:
            image, target = F.avg_pool2d(image, 2), F.avg_pool2d(target, 2)
        total = total + (image - target).abs().mean()
    return total / SCALES


def looks_real(logits: Tensor) -> Tensor:
    """Non-saturating loss of images that should be taken for photos."""
    return F.softplus(-logits.float()).mean()


def looks_made(logits: Tensor) -> Tensor:
    """Loss of images that the discriminator should tell from photos."""
    return F.softplus(logits.float()).mean()


def gradient_penalty(discriminator: nn.Module, images: Tensor) -> Tensor:
    """R1: mean squared norm of the discriminator's gradient at photos. In f32: second derivatives need the range."""
    images = images.detach().clone().requires_grad_(True)
    with torch.autocast(images.device.type, enabled=False):
        logits = discriminator(images)
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.pow(2).sum((1, 2, 3)).mean()
