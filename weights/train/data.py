"""Images: folders of aligned faces to one cached array, and batches from it."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

EXTENSIONS = {".webp", ".png", ".jpg", ".jpeg"}


def image_files(folder: Path | str) -> list[Path]:
    """All images below `folder`, in the order of their paths' parts (so folder by folder, then by name)."""
    folder = Path(folder)
    files = [path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file()]
    return sorted(files, key=lambda path: path.relative_to(folder).parts)


def read_image(path: Path | str, size: int) -> np.ndarray:
    """An image as RGB bytes (size, size, 3). Resized with Pillow's LANCZOS only if it has another size."""
    with Image.open(path) as image:
        image = image.convert("RGB")
        if image.size != (size, size):
            image = image.resize((size, size), Image.Resampling.LANCZOS)
        return np.asarray(image)


def to_images(pixels: Tensor, device: torch.device | str = "cpu") -> Tensor:
    """Bytes (N, size, size, 3) to images (N, 3, size, size): pixel / 127.5 - 1, channels last in memory."""
    images = pixels.to(device, non_blocking=True).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images.contiguous(memory_format=torch.channels_last)


def to_pixels(images: Tensor) -> np.ndarray:
    """The inverse, rounded: images (N, 3, H, W) to bytes (N, H, W, 3)."""
    return ((images.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def load_pixels(folders: list[Path], size: int, cache: Path | None = None) -> Tensor:
    """All images of `folders` as one byte tensor (N, size, size, 3).

    With `cache`, a folder, the array is written there once, under a name made of the size and of every file's place in its folder and
    length: other images make another file, the same ones on another machine do not.

    Raises:
        ValueError: when the folders hold no image.
    """
    places = [(file, file.relative_to(folder)) for folder in folders for file in image_files(folder)]
    files = [file for file, _ in places]
    if not files:
        raise ValueError(f"no images in {', '.join(map(str, folders))}")
    cached = None
    if cache is not None:
        key = hashlib.sha256()
        for file, place in places:
            key.update(f"{place}\0{file.stat().st_size}\0".encode())
        cached = cache / f"pixels_{size}_{key.hexdigest()[:16]}.npy"
        if cached.exists():
            return torch.from_numpy(np.load(cached))
    pixels = np.empty((len(files), size, size, 3), np.uint8)
    for index, file in enumerate(files):
        pixels[index] = read_image(file, size)
    if cached is not None:
        cached.parent.mkdir(parents=True, exist_ok=True)
        unfinished = cached.with_suffix(".unfinished.npy")
        np.save(unfinished, pixels)
        unfinished.replace(cached)
    return torch.from_numpy(pixels)


def hold_out(count: int, seed: int, greatest: int = 32) -> tuple[Tensor, Tensor]:
    """Indices (to train on, held out) of `count` images: at most `greatest` and a twentieth of them are held out, drawn by `seed`."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    held_out = min(greatest, count // 20)
    return order[held_out:], order[:held_out]


def load_weights(folders: list[Path], file: Path) -> Tensor:
    """How often each image of `folders` should be drawn, in the order of `load_pixels`: the column `weight` of a CSV file with a column `file`.

    `file` is an image's path in its folder (stratify.py writes them). Images that are not named there have weight 1.
    """
    with file.open(encoding="utf-8", newline="") as lines:
        weights = {row["file"]: float(row["weight"]) for row in csv.DictReader(lines)}
    places = [path.relative_to(folder).as_posix() for folder in folders for path in image_files(folder)]
    return torch.tensor([weights.get(place, 1.0) for place in places])


def random_batch(
    pixels: Tensor, batch: int, device: torch.device | str, random: torch.Generator, weights: Tensor | None = None
) -> Tensor:
    """A batch of images drawn with replacement, by `weights` if there are any, half of them mirrored. `random` and `weights` live on the CPU."""
    index = (
        torch.randint(len(pixels), (batch,), generator=random)
        if weights is None
        else torch.multinomial(weights, batch, replacement=True, generator=random)
    )
    mirrored = (torch.rand(batch, generator=random) < 0.5).to(device, non_blocking=True)
    images = to_images(pixels[index.to(pixels.device)], device)
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)
