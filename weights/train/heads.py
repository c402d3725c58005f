"""Heads: a discriminator that costs next to nothing, for sharp faces in hours on a CPU.

LPIPS computes VGG16's features of photo and reconstruction anyway. A few small convolutions on these features, one head for each of the first four stages,
learn to tell photos from reconstructions, and the reconstructions learn to pass (hinge loss). The features themselves never change, which keeps the
game from running away; spectral norm keeps the heads from doing so.

The weight of what the heads say is in units of LPIPS: at weight 1 their gradient at the picture is as long as that of LPIPS.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STAGE_WIDTHS = (64, 128, 256, 512)
"""Channels of the stages of VGG16 that have a head: relu1_2, relu2_2, relu3_3, relu4_3."""
HEAD_WIDTH = 64
SMALLER_STAGES = 2
"""The first stages are large: their heads begin with a stride of 2."""
FIRST_ITERATIONS = 10
"""Of the greatest singular values, before the first step."""
BALANCE_STEPS = 16
"""How often the gradients are compared."""
BALANCE_KEPT = 0.9
"""How much of the running mean of their ratio is kept each time."""
GREATEST_BALANCE = 10.0


class SpectralConv(nn.Conv2d):
    """3x3 convolution whose weights, as a matrix of (outputs, the rest), are divided by their greatest singular value.

    It is followed by a step of power iteration each time in training. (PyTorch's own cannot be sent to other processes.)
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride, padding=1)
        self.register_buffer("left", F.normalize(torch.randn(outputs), dim=0))
        for _ in range(FIRST_ITERATIONS):
            self._iterate()

    @torch.no_grad()
    def _iterate(self) -> None:
        matrix = self.weight.flatten(1)
        self.left.copy_(F.normalize(matrix @ F.normalize(self.left @ matrix, dim=0), dim=0))

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            if self.training:
                self._iterate()
            matrix = self.weight.flatten(1)
            left = self.left.clone()  # the next call changes it, perhaps before this one's gradient is taken
            with torch.no_grad():
                right = F.normalize(left @ matrix, dim=0)
            weight = self.weight / (left @ matrix @ right)
        return self._conv_forward(x, weight, self.bias)


class Heads(nn.Module):
    """How real pictures look, by their features."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList()
        for index, width in enumerate(STAGE_WIDTHS):
            stride = 2 if index < SMALLER_STAGES else 1
            layers: list[nn.Module] = [SpectralConv(width, HEAD_WIDTH, stride), nn.LeakyReLU(0.2)]
            layers += [SpectralConv(HEAD_WIDTH, HEAD_WIDTH), nn.LeakyReLU(0.2)]
            layers.append(SpectralConv(HEAD_WIDTH, 1))
            self.heads.append(nn.Sequential(*layers))
        self.register_buffer("scales", torch.zeros(len(STAGE_WIDTHS)))

    @torch.no_grad()
    def calibrate(self, features: list[Tensor]) -> None:
        """Takes the scale of every stage's features, once: the heads see them with a mean square of 1."""
        for index in range(len(STAGE_WIDTHS)):
            self.scales[index] = torch.rsqrt(features[index].float().pow(2).mean() + 1e-12)

    @property
    def is_calibrated(self) -> bool:
        return bool(self.scales[0] > 0)

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """A map (N, 1, h, w) of each stage, greater where the pictures look real."""
        pairs = zip(self.heads, features, strict=False)  # the last stage has no head
        return [head(x * self.scales[index].to(x.dtype)).float() for index, (head, x) in enumerate(pairs)]


def passing(maps: list[Tensor]) -> Tensor:
    """The loss of pictures that should pass for photos."""
    return -sum(each.mean() for each in maps) / len(maps)


def hinge(photos: list[Tensor], made: list[Tensor]) -> Tensor:
    """The heads' own loss: photos above 1, made pictures below -1."""
    losses = [F.relu(1 - a).mean() + F.relu(1 + b).mean() for a, b in zip(photos, made, strict=True)]
    return sum(losses) / len(losses)


class Balance:
    """The running ratio of the gradients of LPIPS and of the heads' verdict, at the picture."""

    def __init__(self) -> None:
        self.ratio: float | None = None

    def update(self, lpips: Tensor, verdict: Tensor, picture: Tensor) -> None:
        """Compares the gradients of two losses at `picture`; keeps their graphs."""
        (lpips_gradient,) = torch.autograd.grad(lpips, picture, retain_graph=True)
        (verdict_gradient,) = torch.autograd.grad(verdict, picture, retain_graph=True)
        ratio = min(float(lpips_gradient.norm() / (verdict_gradient.norm() + 1e-12)), GREATEST_BALANCE)
        self.ratio = ratio if self.ratio is None else BALANCE_KEPT * self.ratio + (1 - BALANCE_KEPT) * ratio


def crop_places(count: int, size: int, view: int, random: torch.Generator) -> list[tuple[int, int] | None]:
    """For `views`: the corners (y, x) of crops of `view` pixels, mostly on the face; None, every other time, for a picture that is shrunk."""
    room = size - view
    if room == 0:
        return [None] * count
    first = int(torch.randint(2, (), generator=random))
    top = torch.randint(room // 8, room + 1, (count,), generator=random).tolist()
    left = torch.randint(0, room + 1, (count,), generator=random).tolist()
    return [(top[index], left[index]) if (index + first) % 2 else None for index in range(count)]


def views(pictures: Tensor, places: list[tuple[int, int] | None], view: int) -> Tensor:
    """What LPIPS and the heads see of pictures larger than `view`: some are shrunk to it, of the others a part in full size."""
    if pictures.shape[-1] == view:
        return pictures
    shown = []
    for index, place in enumerate(places):
        picture = pictures[index : index + 1]
        if place is None:
            shown.append(F.avg_pool2d(picture, picture.shape[-1] // view))
        else:
            y, x = place
            shown.append(picture[:, :, y : y + view, x : x + view])
    return torch.cat(shown)
