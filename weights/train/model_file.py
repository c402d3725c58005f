"""Models on disk: our safetensors files, and the averaged weights inside a training checkpoint. A model without a fine encoder is one as well."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from fine_encoder import FINE_CODES, FineEncoder, add_residuals, refine, residual_share
from networks import Config, Encoder, Generator

GENERATOR_PREFIX, ENCODER_PREFIX, FINE_ENCODER_PREFIX = "g_ema.", "e_ema.", "fine."
SAID_BY_CHECKPOINTS = ("images_seen", "fine_images_seen", "phase", "mapping")


@dataclass
class Face:
    """What the program keeps of one or more photos."""

    stylemap: Tensor
    """(N, style_dim, base, base)."""
    residuals: list[Tensor]
    """Of the fine style codes; empty when the face is the encoder's alone."""


@dataclass
class Model:
    """Generator, encoder and, where the file has one, fine encoder in f32, in evaluation mode, with what the file says about them."""

    config: Config
    generator: Generator
    encoder: Encoder
    fine_encoder: FineEncoder | None
    metadata: dict[str, Any]
    """A safetensors file's metadata; of a training checkpoint those of `SAID_BY_CHECKPOINTS` that it has."""

    def networks(self) -> dict[str, nn.Module]:
        """All networks by their prefixes in model files."""
        found = {GENERATOR_PREFIX: self.generator, ENCODER_PREFIX: self.encoder}
        return found if self.fine_encoder is None else found | {FINE_ENCODER_PREFIX: self.fine_encoder}

    def face(self, images: Tensor, likeness: float = 1.0) -> Face:
        """Images (N, 3, size, size) to faces, their residuals times `likeness`: 0 is the encoder alone, as is a model without a fine encoder.

        The program keeps residuals in f16, so they are rounded here too.
        """
        stylemap = self.encoder(images)
        if self.fine_encoder is None or likeness == 0:
            return Face(stylemap, [])
        codes = self.generator.decoder.style_codes(stylemap)
        _, refined = refine(self.generator.decoder, self.fine_encoder, images, codes, self.fine_encoder.passes)
        fine_codes = zip(refined[-FINE_CODES:], codes[-FINE_CODES:], strict=True)
        return Face(stylemap, [likeness * (after - before).half().float() for after, before in fine_codes])

    def codes(self, face: Face) -> list[Tensor]:
        """All style codes of a face."""
        codes = self.generator.decoder.style_codes(face.stylemap)
        return add_residuals(codes, face.residuals) if face.residuals else codes

    def picture(self, face: Face) -> Tensor:
        """A face as images (N, 3, size, size), clamped to [-1, 1]."""
        return self.generator.decoder.from_codes(self.codes(face)).clamp(-1, 1)

    def between(self, first: Face, second: Face, t: Tensor) -> Tensor:
        """Images (T, 3, size, size), clamped, on the way from one face (N = 1) to another, at places t (T,) from 0 to 1.

        The stylemap moves in a line. Residuals fade faster: hair and mouths of two faces seldom lie over each other, and half of both is a double
        exposure. Halfway the picture is the stylemap's alone.
        """
        t = t.view(-1, 1, 1, 1)
        codes = self.generator.decoder.style_codes((1 - t) * first.stylemap + t * second.stylemap)
        if first.residuals:
            pairs = zip(first.residuals, second.residuals, strict=True)
            codes = add_residuals(codes, [residual_share(t) * a + residual_share(1 - t) * b for a, b in pairs])
        return self.generator.decoder.from_codes(codes).clamp(-1, 1)

    def reconstruct(self, images: Tensor, likeness: float = 1.0) -> Tensor:
        """Images (N, 3, size, size) through the encoders and the generator, clamped to [-1, 1]."""
        return self.picture(self.face(images, likeness))


def load_model(path: Path | str, device: torch.device | str = "cpu") -> Model:
    """Reads a model: a safetensors file of ours or a training checkpoint (its averaged weights).

    Raises:
        KeyError, RuntimeError: when the file is not one of these.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        with safe_open(str(path), framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (no mapping)
        config = Config.from_dict(json.loads(metadata["stylemap.config"]))
        generator_state = _below(tensors, GENERATOR_PREFIX)
        encoder_state = _below(tensors, ENCODER_PREFIX)
        fine_state = _below(tensors, FINE_ENCODER_PREFIX)
    else:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        config = Config.from_dict(checkpoint["config"])
        generator_state, encoder_state = checkpoint["generator_average"], checkpoint["encoder_average"]
        fine_state = checkpoint.get("fine_encoder_average", {})
        metadata = {name: checkpoint[name] for name in SAID_BY_CHECKPOINTS if name in checkpoint}
    generator, encoder = Generator(config), Encoder(config)
    fine_encoder = FineEncoder(config, config.fine_encoder) if config.fine_encoder else None
    for network, state in ((generator, generator_state), (encoder, encoder_state), (fine_encoder, fine_state)):
        if network is not None:
            network.load_state_dict({name: tensor.float() for name, tensor in state.items()})
            network.to(device).eval().requires_grad_(False)
    return Model(config, generator, encoder, fine_encoder, metadata)


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
