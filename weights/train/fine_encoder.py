"""The fine encoder: feed-forward passes that bring the picture of a face to its photo.

A face is its stylemap w and residuals of its fine style codes: the codes of the model's two finest levels are those of w plus the residuals, the
coarse ones, where meaning lives, stay those of w. The fine encoder sees photo, picture so far, their difference and the fine codes so far, and gives
what is to be added to these. It is applied several times with the same weights.

Below, "top" is the model's finest level (its image size), "mid" half of it, "low" a quarter. "Fine codes" are the last four style
codes, two (N, codes[mid], mid, mid) and two (N, codes[top], top, top), in the order of `Decoder.style_codes`; residuals have the same shapes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from networks import Config, Decoder, FineEncoderConfig

FINE_CODES = 4
"""How many of the style codes, counted from the last, have residuals: two each of two levels."""


class Conv(nn.Conv2d):
    """3x3 convolution with bias and leaky ReLU of slope 0.2. No equalised scale and no gain, unlike the published networks' convolutions."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(super().forward(x), 0.2)


class FineEncoder(nn.Module):
    """(photo, picture, fine codes) to residuals: three levels down and two up again."""

    def __init__(self, config: Config, widths: FineEncoderConfig) -> None:
        super().__init__()
        top_codes, mid_codes = 2 * config.codes[config.size], 2 * config.codes[config.size // 2]
        top, mid = widths.top_width, widths.mid_width
        self.passes = widths.passes
        self.top = nn.Sequential(Conv(3 * 3 + top_codes, top), Conv(top, top))
        self.down_mid = Conv(top, mid, stride=2)
        self.mid = nn.Sequential(Conv(mid + mid_codes, mid), Conv(mid, mid))
        self.down_low = Conv(mid, mid, stride=2)
        self.low = nn.Sequential(Conv(mid, mid), Conv(mid, mid))
        self.up_mid = Conv(2 * mid, mid)
        self.delta_mid = nn.Conv2d(mid, mid_codes, 3, padding=1)
        self.up_top = Conv(top + mid, top)
        self.delta_top = nn.Conv2d(top, top_codes, 3, padding=1)
        for last in (self.delta_mid, self.delta_top):
            # An untrained fine encoder changes nothing.
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, photo: Tensor, picture: Tensor, fine_codes: list[Tensor]) -> list[Tensor]:
        """Residuals to add to `fine_codes`. Photo and picture (N, 3, size, size)."""
        mid_codes, top_codes = fine_codes[:2], fine_codes[2:]
        top = self.top(torch.cat([photo, picture, photo - picture, *top_codes], 1))
        mid = self.mid(torch.cat([self.down_mid(top), *mid_codes], 1))
        low = self.low(self.down_low(mid))
        mid = self.up_mid(torch.cat([mid, _twice(low)], 1))
        top = self.up_top(torch.cat([top, _twice(mid)], 1))
        return [*self.delta_mid(mid).chunk(2, 1), *self.delta_top(top).chunk(2, 1)]


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


def add_residuals(codes: list[Tensor], residuals: list[Tensor]) -> list[Tensor]:
    """All style codes with residuals added to the fine ones."""
    fine = [code + residual for code, residual in zip(codes[-FINE_CODES:], residuals, strict=True)]
    return [*codes[:-FINE_CODES], *fine]


def residual_share(t: Tensor) -> Tensor:
    """How much of a face's residuals is left at the part `t` (0 to 1) of the way to another one: smoothstep(1 - 2 t) up to halfway, then 0."""
    x = (1 - 2 * t).clamp(min=0)
    return x * x * (3 - 2 * x)


def refine(
    decoder: Decoder, fine_encoder: FineEncoder, photos: Tensor, codes: list[Tensor], passes: int
) -> tuple[list[Tensor], list[Tensor]]:
    """(the picture of `codes` and after every pass, the codes after the last). Pictures (N, 3, size, size), not clamped."""
    # Nothing below the fine levels changes from pass to pass.
    with torch.no_grad():
        coarse = decoder.coarse(codes)
    pictures = [decoder.fine(coarse, codes)]
    for _ in range(passes):
        codes = add_residuals(codes, fine_encoder(photos, pictures[-1], codes[-FINE_CODES:]))
        pictures.append(decoder.fine(coarse, codes))
    return pictures, codes


def mix_codes(first: list[Tensor], second: list[Tensor], mask: Tensor) -> list[Tensor]:
    """Style codes of a local edit: the first's where `mask` (N or 1, 1, size, size) is 0, the second's where it is 1, averaged over every level's cells."""
    mixed = []
    for a, b in zip(first, second, strict=True):
        weights = F.avg_pool2d(mask, mask.shape[-1] // a.shape[-1])
        mixed.append(weights * b + (1 - weights) * a)
    return mixed


ALONE_FROM = 0.9
"""The weight of a face in a pixel from which it begins to count as the only one that is shown there."""


def aloneness(weight: Tensor) -> Tensor:
    """How far a face of this weight (0 to 1) is the only one that is shown: 0 up to `ALONE_FROM`, 1 at 1, smoothstep between."""
    x = ((weight - ALONE_FROM) / (1 - ALONE_FROM)).clamp(0, 1)
    return x * x * (3 - 2 * x)


@dataclass
class Settled:
    """A local edit and what settling made of it. Pictures (N, 3, size, size), not clamped."""

    before: Tensor
    """The picture of the mixed codes."""
    target: Tensor
    """The faces' own pictures as far as one of them is shown alone, `before` elsewhere."""
    known: Tensor
    """(N or 1, 1, size, size): how far the target is a face's own picture."""
    after: Tensor


def settle(
    decoder: Decoder,
    fine_encoder: FineEncoder,
    own: list[Tensor],
    weights: list[Tensor],
    codes: list[Tensor],
    likeness: float = 1.0,
) -> Settled:
    """One more pass over the mixed `codes` of faces, so that each looks like itself where it is shown alone.

    The picture of mixed codes differs a little from each face even there, because every layer normalises over the whole picture. `own` are the
    faces' pictures by their own codes (N, 3, size, size), `weights` their parts of every pixel (N or 1, 1, size, size), 1 in sum. What the pass
    finds counts only as far as one face is shown alone: where two meet nobody knows what is right.
    """
    alone = [likeness * aloneness(weight) for weight in weights]
    known = sum(alone)
    with torch.no_grad():
        coarse = decoder.coarse(codes)
        before = decoder.fine(coarse, codes)
        target = before + sum(part * (picture - before) for part, picture in zip(alone, own, strict=True))
    found = fine_encoder(target, before, codes[-FINE_CODES:])
    residuals = [residual * F.avg_pool2d(known, known.shape[-1] // residual.shape[-1]) for residual in found]
    return Settled(before, target, known, decoder.fine(coarse, add_residuals(codes, residuals)))
