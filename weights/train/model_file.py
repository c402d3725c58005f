"""Models on disk: our safetensors files, and the averaged weights inside a training checkpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from networks import Config, Encoder, Generator

GENERATOR_PREFIX, ENCODER_PREFIX = "g_ema.", "e_ema."


@dataclass
class Model:
    """Generator and encoder in f32, in evaluation mode, with what the file says about them."""

    config: Config
    generator: Generator
    encoder: Encoder
    metadata: dict[str, Any]
    """A safetensors file's metadata; of a training checkpoint `images_seen` and `phase`."""

    def reconstruct(self, images: torch.Tensor) -> torch.Tensor:
        """Images (N, 3, size, size) through encoder and generator, clamped to [-1, 1]."""
        return self.generator(self.encoder(images)).clamp(-1, 1)


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
    else:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        config = Config.from_dict(checkpoint["config"])
        generator_state, encoder_state = checkpoint["generator_average"], checkpoint["encoder_average"]
        metadata = {"images_seen": checkpoint["images_seen"], "phase": checkpoint.get("phase")}
    generator, encoder = Generator(config), Encoder(config)
    generator.load_state_dict({name: tensor.float() for name, tensor in generator_state.items()})
    encoder.load_state_dict({name: tensor.float() for name, tensor in encoder_state.items()})
    for network in (generator, encoder):
        network.to(device).eval().requires_grad_(False)
    return Model(config, generator, encoder, metadata)


def _below(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
