"""StyleMapGAN's networks with the width of every level as a setting.

Names of parameters are those of the published checkpoints, so a checkpoint trained here and a published one are read by the
same code. Blur kernels are constants and are not stored.

Shapes: images (N, 3, size, size) in [-1, 1]; stylemaps (N, style_dim, base, base). "Level r" is a feature map of r x r.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SQRT2 = math.sqrt(2.0)
LAYER_NORM_EPSILON = 1e-5


def _default_channels() -> dict[int, int]:
    return {8: 256, 16: 256, 32: 256, 64: 128, 128: 64, 256: 32}


def _default_codes() -> dict[int, int]:
    return {8: 128, 16: 128, 32: 64, 64: 64, 128: 32, 256: 16}


@dataclass(frozen=True)
class FineEncoderConfig:
    """Widths of a model's fine encoder (fine_encoder.py), and how often it is applied. The defaults are those that we ship."""

    top_width: int = 48
    """Channels at the level of the image."""
    mid_width: int = 96
    """Channels at the two levels below."""
    passes: int = 2


@dataclass(frozen=True)
class Config:
    """Widths and sizes of a model. The defaults are the widths that we ship, up to 256 px."""

    size: int = 128
    """Height and width of the images, in pixels: a power of two."""
    style_dim: int = 64
    """Channels of the stylemap."""
    base: int = 8
    """Height and width of the stylemap, in cells."""
    channels: Mapping[int, int] = field(default_factory=_default_channels)
    """Channels of the decoder's feature maps, by level."""
    codes: Mapping[int, int] = field(default_factory=_default_codes)
    """Channels of the style codes, by level."""
    encoder_channels: Mapping[int, int] = field(default_factory=_default_channels)
    """Channels of the encoder's (and discriminator's) feature maps, by level."""
    mapping_layers: int = 8
    lr_mul: float = 0.01
    """Multiplier of the mapping network's learning rate."""
    fine_encoder: FineEncoderConfig | None = None
    """The fine encoder, if the model has one."""

    def levels(self) -> list[int]:
        """The levels above the stylemap's own: 2 * base, ..., size."""
        count = int(math.log2(self.size // self.base))
        return [self.base << step for step in range(1, count + 1)]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as stored in checkpoints and in a model file's `stylemap.config`: only levels that exist."""

        def used(widths: Mapping[int, int]) -> dict[str, int]:
            return {str(level): widths[level] for level in [self.base, *self.levels()]}

        values = {
            "size": self.size,
            "style_dim": self.style_dim,
            "base": self.base,
            "channels": used(self.channels),
            "codes": used(self.codes),
            "encoder_channels": used(self.encoder_channels),
            "mapping_layers": self.mapping_layers,
            "lr_mul": self.lr_mul,
            "norm": "LayerNorm",
        }
        if self.fine_encoder is not None:
            values["fine_encoder"] = dataclasses.asdict(self.fine_encoder)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Config:
        """The inverse of `to_dict`."""

        def widths(name: str) -> dict[int, int]:
            return {int(level): int(width) for level, width in values[name].items()}

        return cls(
            size=int(values["size"]),
            style_dim=int(values["style_dim"]),
            base=int(values["base"]),
            channels=widths("channels"),
            codes=widths("codes"),
            encoder_channels=widths("encoder_channels"),
            mapping_layers=int(values["mapping_layers"]),
            lr_mul=float(values["lr_mul"]),
            fine_encoder=FineEncoderConfig(**values["fine_encoder"]) if values.get("fine_encoder") else None,
        )


def scaled_leaky_relu(x: Tensor) -> Tensor:
    """Leaky ReLU with slope 0.2, times sqrt(2) so that it keeps the variance."""
    return F.leaky_relu(x, 0.2) * SQRT2


def _blur_kernel(gain: float, channels: int) -> Tensor:
    """The separable kernel [1, 3, 3, 1], summing to `gain`, for a depthwise convolution."""
    row = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = row[:, None] * row[None, :]
    return (kernel / kernel.sum() * gain)[None, None].repeat(channels, 1, 1, 1)


class EqualLinear(nn.Module):
    """Linear layer whose weights are stored with unit variance and scaled at run time."""

    def __init__(self, inputs: int, outputs: int, lr_mul: float = 1.0, activation: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_mul)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale, self.lr_mul, self.activation = lr_mul / math.sqrt(inputs), lr_mul, activation

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x, self.weight * self.scale, self.bias * self.lr_mul)
        return scaled_leaky_relu(y) if self.activation else y


class EqualConv2d(nn.Module):
    """Convolution whose weights are stored with unit variance and scaled at run time."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0, bias: float | None = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.scale = 1 / math.sqrt(inputs * kernel * kernel)
        self.bias = None if bias is None else nn.Parameter(torch.full((outputs,), bias))
        self.stride, self.padding = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.scale, self.bias, self.stride, self.padding)


class BiasActivation(nn.Module):
    """A bias per channel, then the scaled leaky ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return scaled_leaky_relu(x + self.bias.view(1, -1, 1, 1).to(x.dtype))


class Blur(nn.Module):
    """The blur of every channel by itself, with zero padding on all sides."""

    def __init__(self, channels: int, gain: float, padding: int) -> None:
        super().__init__()
        self.channels, self.padding = channels, padding
        self.register_buffer("kernel", _blur_kernel(gain, channels), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel.to(x.dtype), padding=self.padding, groups=self.channels)


def _upsampling_conv(x: Tensor, weight: Tensor, blur: Tensor) -> Tensor:
    """Transposed 3x3 convolution with stride 2, then the blur: H -> 2H. `weight` (out, in, 3, 3), scaled."""
    y = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    return F.conv2d(y, blur.to(y.dtype), padding=1, groups=weight.shape[0])


class ConvLayer(nn.Sequential):
    """Convolution with optional blur and resampling, then bias and activation unless `activation` is off.

    The children's indices are those of the published names: plain 0 conv, 1 activation; up 0 conv, 1 blur, 2 activation;
    down 0 blur, 1 conv, 2 activation.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, up: bool = False, down: bool = False, activation: bool = True
    ) -> None:
        conv = EqualConv2d(inputs, outputs, kernel, stride=2 if down else 1, padding=0 if up or down else kernel // 2, bias=None)
        layers: list[nn.Module] = [conv]
        if down:
            layers.insert(0, Blur(inputs, 1.0, 2 if kernel == 3 else 1))
        if up:
            layers.append(Blur(outputs, 4.0, 1))
        if activation:
            layers.append(BiasActivation(outputs))
        super().__init__(*layers)
        self.up, self.kernel, self.has_activation = up, kernel, activation

    def forward(self, x: Tensor) -> Tensor:
        if not self.up:
            return super().forward(x)
        conv, blur = self[0], self[1]
        weight = conv.weight * conv.scale
        if self.kernel == 1:
            # A 1x1 transposed convolution only spreads pixels: spreading and blurring are one transposed convolution.
            y = F.conv2d(x, weight)
            y = F.conv_transpose2d(y, blur.kernel.to(y.dtype), stride=2, padding=1, groups=blur.channels)
        else:
            y = _upsampling_conv(x, weight, blur.kernel)
        return self[2](y) if self.has_activation else y


class ModulatedConv(nn.Module):
    """Layer norm over (C, H, W), scale and shift per position from a style code, then convolution."""

    def __init__(self, inputs: int, outputs: int, kernel: int, code: int, up: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, outputs, inputs, kernel, kernel))
        self.scale, self.kernel, self.up = 1 / math.sqrt(inputs * kernel * kernel), kernel, up
        self.gamma = EqualConv2d(code, inputs, 3, padding=1, bias=1.0)
        self.beta = EqualConv2d(code, inputs, 3, padding=1)
        if up:
            self.register_buffer("blur", _blur_kernel(4.0, outputs), persistent=False)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        # By sums, not by torch's variance, which is slow on a CPU; in f32, because a 16-bit variance would lose too much; rounded once, at the end.
        exact = x.float()
        count = exact[0].numel()
        mean = exact.sum((1, 2, 3), keepdim=True) / count
        variance = ((exact * exact).sum((1, 2, 3), keepdim=True) / count - mean * mean).clamp_min(0)
        gamma = self.gamma(code)
        x = ((exact - mean) * torch.rsqrt(variance + LAYER_NORM_EPSILON) * gamma + self.beta(code)).to(gamma.dtype)
        weight = self.weight[0] * self.scale
        if self.up:
            return _upsampling_conv(x, weight, self.blur)
        return F.conv2d(x, weight, padding=self.kernel // 2)


class StyledConv(nn.Module):
    """Modulated convolution, bias, activation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, code: int, up: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, outputs, kernel, code, up)
        self.activate = BiasActivation(outputs)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        return self.activate(self.conv(x, code))


class StyledResBlock(nn.Module):
    """One level of the decoder: r/2 -> r."""

    def __init__(self, inputs: int, outputs: int, code_below: int, code: int) -> None:
        super().__init__()
        self.conv1 = StyledConv(inputs, outputs, 3, code_below, up=True)
        self.conv2 = StyledConv(outputs, outputs, 3, code)
        self.skip = ConvLayer(inputs, outputs, 1, up=True, activation=False)

    def forward(self, x: Tensor, code_below: Tensor, code: Tensor) -> Tensor:
        return (self.conv2(self.conv1(x, code_below), code) + self.skip(x)) / SQRT2


class ConstantInput(nn.Module):
    """The learned feature map that the decoder starts from."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.randn(1, channels, size, size))


class Decoder(nn.Module):
    """Stylemap to image."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        channels, codes, base = config.channels, config.codes, config.base
        self.input = ConstantInput(channels[base], base)
        self.conv1 = StyledConv(channels[base], channels[base], 3, codes[base])
        self.convs_latent = nn.ModuleList([ConvLayer(config.style_dim, codes[base], 3), ConvLayer(codes[base], codes[base], 3)])
        self.convs = nn.ModuleList()
        for level in config.levels():
            below = level // 2
            self.convs_latent.append(ConvLayer(codes[below], codes[level], 3, up=True))
            self.convs_latent.append(ConvLayer(codes[level], codes[level], 3))
            self.convs.append(StyledResBlock(channels[below], channels[level], codes[below], codes[level]))
        self.to_rgb = StyledConv(channels[config.size], 3, 1, codes[config.size])

    def style_codes(self, stylemap: Tensor) -> list[Tensor]:
        """The chain of style codes: two per level, each computed from the one before."""
        codes = []
        for layer in self.convs_latent:
            stylemap = layer(stylemap)
            codes.append(stylemap)
        return codes

    def from_codes(self, codes: list[Tensor]) -> Tensor:
        """Style codes to images; local edits mix codes in between."""
        return self.fine(self.coarse(codes), codes)

    def coarse(self, codes: list[Tensor]) -> Tensor:
        """The feature map below the two finest levels. It depends on none of the last four codes."""
        # As the codes lie in memory, so that nothing is laid out anew on the way.
        layout = torch.contiguous_format if codes[0].is_contiguous() else torch.channels_last
        x = self.input.input.expand(codes[0].shape[0], -1, -1, -1).contiguous(memory_format=layout)
        x = self.conv1(x, codes[0])
        for index, block in enumerate(self.convs[:-2]):
            x = block(x, codes[2 * index + 1], codes[2 * index + 2])
        return x

    def fine(self, x: Tensor, codes: list[Tensor]) -> Tensor:
        """The two finest levels: `coarse`'s feature map and all style codes to images."""
        for index in range(max(len(self.convs) - 2, 0), len(self.convs)):
            x = self.convs[index](x, codes[2 * index + 1], codes[2 * index + 2])
        return self.to_rgb(x, codes[-1])

    def forward(self, stylemap: Tensor) -> Tensor:
        return self.from_codes(self.style_codes(stylemap))


class PixelNorm(nn.Module):
    """Latents scaled to unit mean square."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(1, keepdim=True) + 1e-8)


class Generator(nn.Module):
    """Mapping network (latent to stylemap) and decoder (stylemap to image)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = [PixelNorm()]
        for index in range(config.mapping_layers):
            is_last = index == config.mapping_layers - 1
            outputs = config.style_dim * (config.base**2 if is_last else 1)
            layers.append(EqualLinear(config.style_dim, outputs, config.lr_mul, activation=True))
        self.mapping_z = nn.Sequential(*layers)
        self.decoder = Decoder(config)

    def map(self, latent: Tensor) -> Tensor:
        """Latents (N, style_dim) to stylemaps."""
        stylemap = self.mapping_z(latent).view(latent.shape[0], -1, self.config.base, self.config.base)
        return stylemap.contiguous(memory_format=torch.channels_last)

    def forward(self, stylemap: Tensor) -> Tensor:
        """Stylemaps to images. Not clamped."""
        return self.decoder(stylemap)


class ResBlock(nn.Module):
    """One level of the encoder or the discriminator: r -> r/2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = ConvLayer(inputs, inputs, 3)
        self.conv2 = ConvLayer(inputs, outputs, 3, down=True)
        self.skip = ConvLayer(inputs, outputs, 1, down=True, activation=False)

    def forward(self, x: Tensor) -> Tensor:
        return (self.conv2(self.conv1(x)) + self.skip(x)) / SQRT2


class Encoder(nn.Module):
    """Images to stylemaps."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        widths = config.encoder_channels
        self.from_rgb = ConvLayer(3, widths[config.size], 1)
        self.convs = nn.ModuleList(ResBlock(widths[r], widths[r // 2]) for r in reversed(config.levels()))
        self.final_conv = ConvLayer(widths[config.base], config.style_dim, 3)

    def forward(self, image: Tensor) -> Tensor:
        x = self.from_rgb(image)
        for block in self.convs:
            x = block(x)
        return self.final_conv(x)


class Discriminator(nn.Module):
    """StyleGAN2's discriminator down to 4 x 4, with the standard deviation over groups of the batch."""

    FINAL_LEVEL = 4
    GROUP = 4

    def __init__(self, config: Config) -> None:
        super().__init__()
        widths = dict(config.encoder_channels)
        level = config.base
        while level > self.FINAL_LEVEL:
            level //= 2
            widths.setdefault(level, widths[level * 2])
        final = widths[self.FINAL_LEVEL]
        blocks: list[nn.Module] = [ConvLayer(3, widths[config.size], 1)]
        level = config.size
        while level > self.FINAL_LEVEL:
            blocks.append(ResBlock(widths[level], widths[level // 2]))
            level //= 2
        self.convs = nn.ModuleList(blocks)
        self.final_conv = ConvLayer(final + 1, final, 3)
        self.final_linear = nn.Sequential(EqualLinear(final * self.FINAL_LEVEL**2, final, activation=True), EqualLinear(final, 1))

    def forward(self, image: Tensor) -> Tensor:
        """How real each image looks: (N, 1), a logit."""
        x = image
        for block in self.convs:
            x = block(x)
        batch, channels, height, width = x.shape
        group = min(batch, self.GROUP)
        while batch % group:
            group -= 1
        deviation = x.float().reshape(group, -1, channels, height, width).var(0, unbiased=False)
        deviation = torch.sqrt(deviation + 1e-8).mean((1, 2, 3), keepdim=True)
        deviation = deviation.repeat(group, 1, height, width).to(x.dtype)
        x = self.final_conv(torch.cat([x, deviation], 1))
        return self.final_linear(x.flatten(1))
