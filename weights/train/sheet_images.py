"""Rows of images as one picture, with names where wanted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from data import to_pixels

LABEL_HEIGHT_PX = 18
INK = (30, 30, 30)


def sheet(rows: list[Tensor], labels: list[str] | None = None) -> Image.Image:
    """Each row (N, 3, size, size) in [-1, 1] from left to right, rows below each other; a line of text above each if given."""
    strips = []
    for index, row in enumerate(rows):
        pixels = to_pixels(row.float())
        strip = np.concatenate(list(pixels), axis=1)
        if labels:
            label = Image.new("RGB", (strip.shape[1], LABEL_HEIGHT_PX), "white")
            ImageDraw.Draw(label).text((4, 3), labels[index], fill=INK)
            strips.append(np.asarray(label))
        strips.append(strip)
    width = max(strip.shape[1] for strip in strips)
    strips = [np.pad(s, ((0, 0), (0, width - s.shape[1]), (0, 0)), constant_values=255) for s in strips]
    return Image.fromarray(np.concatenate(strips))


def save_sheet(path: Path, rows: list[Tensor], labels: list[str] | None = None) -> None:
    """Writes `sheet` as PNG."""
    sheet(rows, labels).save(path)
