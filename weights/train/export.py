"""Makes a model file (.safetensors) of a training checkpoint, or anew of a model file: the averaged networks in f16, and what the program needs
to know about the stylemaps of photos.

Tensors: `g_ema.*`, `e_ema.*` (published names), `fine.*` if there is a fine encoder (names of fine_encoder.py), `mean_stylemap`
(style_dim, base, base), `pca.components` (n, style_dim, base, base), each of length 1, and `pca.std` (n), the standard deviation of the photos'
stylemaps along each (f32). Metadata: `format`, `name`, `license`, `trained_on`, `images_seen`, `fine_images_seen` (by the
fine encoder, if known), `mapping` (`trained` or `untrained`), `stylemap.config`.

With `--stylemaps` the photos' stylemaps are kept for directions.py: one tensor `stylemaps` (photos, style_dim * base * base), f32.

Usage: python export.py last.pt|MODEL model.safetensors --data DIR... --name NAME --license TEXT --trained-on TEXT [--stylemaps FILE]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from data import load_pixels, to_images
from model_file import Model, load_model
from networks import Encoder

BATCH = 32


def round_to_f16(model: Model) -> None:
    """Rounds the weights as the file will: statistics and fixtures are then of the model that is read back."""
    for network in model.networks().values():
        for parameter in network.parameters():
            parameter.copy_(parameter.half().float())


@torch.inference_mode()
def encode(encoder: Encoder, pixels: Tensor) -> Tensor:
    """Stylemaps of images given as bytes (N, size, size, 3), flattened: (N, style_dim * base * base)."""
    return torch.cat([encoder(to_images(part)).flatten(1) for part in pixels.split(BATCH)])


def principal_components(stylemaps: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """(mean, components (count, values) of length 1, standard deviations (count,)) of flattened stylemaps.

    A component's sign is made such that its elements sum to a positive number, so that repeated runs agree.
    """
    mean = stylemaps.mean(0)
    torch.manual_seed(0)
    _, singular, vectors = torch.pca_lowrank(stylemaps - mean, q=count, center=False, niter=6)
    components = vectors.T
    components = components * torch.where(components.sum(1, keepdim=True) < 0, -1.0, 1.0)
    return mean, components.contiguous(), singular / (len(stylemaps) - 1) ** 0.5


def sample_pixels(folders: list[Path], size: int, photos: int, cache: Path | None) -> Tensor:
    """The folders' images; at most `photos` of them, drawn with seed 0, if it is not 0."""
    pixels = load_pixels(folders, size, cache)
    if not photos:
        return pixels
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))
    return pixels[order[:photos]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes a model file of a training checkpoint.")
    parser.add_argument("checkpoint", type=Path, help="a checkpoint or a model file")
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="photos whose stylemaps are described")
    parser.add_argument("--name", required=True)
    parser.add_argument("--license", required=True)
    parser.add_argument("--trained-on", required=True, help="provenance, with licences")
    parser.add_argument("--mapping", choices=["trained", "untrained"], help="by itself what the checkpoint says")
    parser.add_argument("--photos", type=int, default=0, help="describe so many of them only")
    parser.add_argument("--components", type=int, default=32)
    parser.add_argument("--stylemaps", type=Path, help="keep the photos' stylemaps there")
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()

    model = load_model(arguments.checkpoint)
    round_to_f16(model)
    pixels = sample_pixels(arguments.data, model.config.size, arguments.photos, arguments.cache)
    stylemaps = encode(model.encoder, pixels)
    if arguments.stylemaps:
        save_file({"stylemaps": stylemaps}, str(arguments.stylemaps))
    mean, components, deviations = principal_components(stylemaps, arguments.components)
    shape = (model.config.style_dim, model.config.base, model.config.base)
    tensors = {
        prefix + name: value.half()
        for prefix, network in model.networks().items()
        for name, value in network.state_dict().items()
    }
    tensors["mean_stylemap"] = mean.view(shape).half()
    tensors["pca.components"] = components.view(-1, *shape).half()
    tensors["pca.std"] = deviations.float()
    trained_mapping = "trained" if model.metadata.get("phase") == "adversarial" else "untrained"
    metadata = {
        "format": "stylemap",
        "name": arguments.name,
        "license": arguments.license,
        "trained_on": arguments.trained_on,
        "images_seen": str(model.metadata["images_seen"]),
        "mapping": arguments.mapping or model.metadata.get("mapping", trained_mapping),
        "stylemap.config": json.dumps(model.config.to_dict()),
    }
    if model.fine_encoder is not None and "fine_images_seen" in model.metadata:
        metadata["fine_images_seen"] = str(model.metadata["fine_images_seen"])
    save_file({name: value.contiguous() for name, value in tensors.items()}, str(arguments.out), metadata)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.1f} MB, {len(pixels)} photos described")


if __name__ == "__main__":
    main()
