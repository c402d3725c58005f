"""LPIPS with VGG16 (version 0.1): how different two images look.

The network file is the published one as safetensors: `features.N.weight`, `features.N.bias` of VGG16 and `linI.weight`, the
learned weights of its five stages.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

STAGES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
"""Indices of the convolutions of each stage in VGG16's `features`; a 2x2 max pooling stands between stages."""
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
NORM_EPSILON = 1e-10


class Lpips(nn.Module):
    """LPIPS between images (N, 3, H, W) in [-1, 1]; (N,), 0 for equal images."""

    def __init__(self, path: Path | str) -> None:
        super().__init__()
        tensors = {name: tensor.float() for name, tensor in load_file(str(path)).items()}
        for conv in (conv for stage in STAGES for conv in stage):
            weight = tensors[f"features.{conv}.weight"].contiguous(memory_format=torch.channels_last)
            self.register_buffer(f"weight{conv}", weight, persistent=False)
            self.register_buffer(f"bias{conv}", tensors[f"features.{conv}.bias"], persistent=False)
        for stage in range(len(STAGES)):
            self.register_buffer(f"linear{stage}", tensors[f"lin{stage}.weight"].view(1, -1, 1, 1), persistent=False)
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1), persistent=False)

    def features(self, image: Tensor) -> list[Tensor]:
        """The activations at the end of each stage."""
        x = (image - self.shift) / self.scale
        outputs = []
        for index, stage in enumerate(STAGES):
            if index:
                x = F.max_pool2d(x, 2)
            for conv in stage:
                x = F.relu(F.conv2d(x, getattr(self, f"weight{conv}"), getattr(self, f"bias{conv}"), padding=1))
            outputs.append(x)
        return outputs

    def distance(self, features: list[Tensor], target_features: list[Tensor]) -> Tensor:
        """The distance between the `features` of two images; (N,)."""
        distance = features[0].new_zeros(features[0].shape[0], dtype=torch.float32)
        for index, (a, b) in enumerate(zip(features, target_features, strict=True)):
            a, b = _unit(a.float()), _unit(b.float())
            distance = distance + ((a - b).pow(2) * getattr(self, f"linear{index}")).sum(1).mean((1, 2))
        return distance

    def forward(self, image: Tensor, target: Tensor) -> Tensor:
        """One distance per pair. Gradients flow to `image` only."""
        with torch.no_grad():
            target_features = self.features(target)
        return self.distance(self.features(image), target_features)


def _unit(x: Tensor) -> Tensor:
    """Every position's vector of channels scaled to length 1."""
    return x * torch.rsqrt(x.pow(2).sum(1, keepdim=True) + NORM_EPSILON)
