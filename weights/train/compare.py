"""Sheets that show models side by side on held-out photos: reconstructions, motion between two faces, local edits.

Only faces whose licence allows it may stand in a sheet that is published (see assets/CREDITS.md).

Usage: python compare.py --models first.safetensors second.safetensors --labels "first model" "second model" --photos A B ... --out FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from data import read_image, to_images
from evaluate import edit, rectangle_mask
from model_file import Model, load_model
from sheet_images import save_sheet

FRAMES = 8
PAIRS = 3
EDITED = ("eyes", "nose", "mouth", "hair", "half")


def interpolation(model: Model, a: Tensor, b: Tensor) -> Tensor:
    """Frames from one photo to another."""
    return model.between(model.face(a), model.face(b), torch.linspace(0, 1, FRAMES))


def edits(model: Model, source: Tensor, reference: Tensor) -> Tensor:
    """Photo, reconstruction, the reference, and the source with each part of the reference."""
    faces = (model.face(source), model.face(reference))
    results = [edit(model, faces, rectangle_mask(name, model.config.size)) for name in EDITED]
    return torch.cat([source, model.picture(faces[0]), reference, *results])


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description="Sheets of models side by side.")
    parser.add_argument("--models", type=Path, nargs="+", required=True)
    parser.add_argument("--labels", nargs="+", required=True)
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="an even number; neighbours are pairs")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--prefix", default="")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    models = [load_model(path) for path in arguments.models]
    greatest = max(model.config.size for model in models)

    photos = {
        size: torch.cat([to_images(torch.from_numpy(read_image(path, size).copy())[None]) for path in arguments.photos])
        for size in {model.config.size for model in models}
    }

    def shown(images: Tensor) -> Tensor:
        # Models of several sizes stand in one sheet at the size of the largest.
        return images if images.shape[-1] == greatest else F.interpolate(images, greatest, mode="nearest")

    def write(name: str, rows: list[Tensor], labels: list[str]) -> None:
        save_sheet(arguments.out / f"{arguments.prefix}{name}.png", rows, labels)

    write(
        "reconstructions",
        [photos[greatest], *(shown(model.reconstruct(photos[model.config.size])) for model in models)],
        ["photos that were never trained on", *arguments.labels],
    )
    for name, drawn, text in (
        ("interpolations", interpolation, "{}: from one face to another"),
        ("edits", edits, "{}: photo, again, reference; then its " + ", ".join(EDITED)),
    ):
        rows, labels = [], []
        for pair in range(min(PAIRS, len(arguments.photos) // 2)):
            for model, label in zip(models, arguments.labels, strict=True):
                a, b = photos[model.config.size][2 * pair : 2 * pair + 2].split(1)
                rows.append(shown(drawn(model, a, b)))
                labels.append(text.format(label))
        write(name, rows, labels)


if __name__ == "__main__":
    main()
