"""How often each face should be drawn in training, so that rare ones come as often as common ones.

Four things are measured of every face:
- `age` in years and `turn` of the head (-1 to 1), from a CSV file of labels (columns `file`, `age`, `turn`) as far as it names the face; for the others
  by ridge regression from the stylemaps of those that it names;
- `light`: how much brighter the left half of the face is than the right one; `skin`: how bright it is at the nose (luminance, 0 to 255).

The range of each is cut into equal bins. Weights are such that all bins of a measure are drawn about equally often, as far as no face comes more than
`GREATEST_WEIGHT` times as often as it would without; they are 1 in the mean.

OUT is a CSV file with the columns file, age, turn, light, skin, weight; `file` is the path in its folder. It is what `--weights` takes.

Usage: python stratify.py MODEL FOLDER... --labels labels.csv --out weights.csv [--cache cache]
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from data import image_files, load_pixels, to_images
from evaluate import LUMINANCE, rectangle_mask
from model_file import load_model

ESTIMATED = ("age", "turn")
BINS = 8
OUTSIDE = 0.02
"""The part of all faces at each end of a range that belongs to its outermost bins."""
GREATEST_WEIGHT = 6.0
RAKING_ROUNDS = 50
RIDGE = 1.0
"""How strongly large weights are avoided: of the mean square of the inputs."""
FOLDS = 5


def fit_ridge(inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """(mean of the inputs, weights, bias) of a linear prediction of `targets` (n,) from `inputs` (n, many)."""
    mean = inputs.mean(0)
    centred = inputs - mean
    gram = centred @ centred.T
    gram[np.diag_indices_from(gram)] += RIDGE * np.trace(gram) / len(gram)
    return mean, centred.T @ np.linalg.solve(gram, targets - targets.mean()), float(targets.mean())


def predict(inputs: np.ndarray, fitted: tuple[np.ndarray, np.ndarray, float]) -> np.ndarray:
    """Predictions (n,) of `fit_ridge`."""
    mean, weights, bias = fitted
    return (inputs - mean) @ weights + bias


def explained(inputs: np.ndarray, targets: np.ndarray) -> float:
    """The part of the targets' variance that is predicted of faces that were not fitted (R squared, by fifths)."""
    fold = np.arange(len(targets)) % FOLDS
    predicted = np.empty_like(targets)
    for each in range(FOLDS):
        predicted[fold == each] = predict(inputs[fold == each], fit_ridge(inputs[fold != each], targets[fold != each]))
    return float(1 - np.mean((predicted - targets) ** 2) / targets.var())


def light_and_skin(pixels: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Both of bytes (N, size, size, 3)."""
    size = pixels.shape[1]
    luminance = (pixels.float() * torch.tensor(LUMINANCE)).sum(-1)
    rows = slice(size * 5 // 16, size * 12 // 16)
    left = luminance[:, rows, size * 4 // 16 : size * 8 // 16].mean((1, 2))
    right = luminance[:, rows, size * 8 // 16 : size * 12 // 16].mean((1, 2))
    nose = rectangle_mask("nose", size)[0, 0].bool()
    return (left - right).numpy(), luminance[:, nose].mean(1).numpy()


def bins_of(values: np.ndarray) -> np.ndarray:
    """The bin (0 to BINS - 1) of each value."""
    low, high = np.quantile(values, [OUTSIDE, 1 - OUTSIDE])
    return ((values - low) / max(high - low, 1e-9) * BINS).astype(int).clip(0, BINS - 1)


def weights_of(measures: dict[str, np.ndarray]) -> np.ndarray:
    """The weight of each face: in turn for one measure after the other all its bins are brought to the same total, until little changes (raking)."""
    bins = [np.unique(bins_of(values), return_inverse=True)[1] for values in measures.values()]
    weights = np.ones(len(bins[0]))
    for _ in range(RAKING_ROUNDS):
        for each in bins:
            weights /= np.bincount(each, weights)[each]
            weights = np.minimum(weights / weights.mean(), GREATEST_WEIGHT)
    return weights / weights.mean()


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description="How often each face should be drawn in training.")
    parser.add_argument("model", type=Path, help="a model whose encoder describes the faces")
    parser.add_argument("folders", type=Path, nargs="+", help="the folders of faces, as for --data")
    parser.add_argument("--labels", type=Path, required=True, help="CSV with the columns file, age, turn")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="folder for the images as one array")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    pixels = load_pixels(arguments.folders, model.config.size, arguments.cache)
    files = [path.relative_to(folder).as_posix() for folder in arguments.folders for path in image_files(folder)]
    with arguments.labels.open(encoding="utf-8", newline="") as lines:
        labels = {row["file"]: row for row in csv.DictReader(lines)}

    stylemaps = torch.cat([model.encoder(to_images(part)).flatten(1) for part in pixels.split(8)]).numpy()
    measures: dict[str, np.ndarray] = {}
    for name in ESTIMATED:
        known = np.array([index for index, file in enumerate(files) if labels.get(file, {}).get(name)])
        if len(known) < FOLDS * 2:
            raise SystemExit(f"{arguments.labels} says {name} of only {len(known)} of these faces: too few to learn from")
        targets = np.array([float(labels[files[index]][name]) for index in known])
        print(f"{name}: known of {len(known)} of {len(files)}; R squared of the rest: {explained(stylemaps[known], targets):.2f}")
        measures[name] = predict(stylemaps, fit_ridge(stylemaps[known], targets))
        measures[name][known] = targets
    measures["light"], measures["skin"] = light_and_skin(pixels)
    weights = weights_of(measures)
    for name, values in measures.items():
        bins = bins_of(values)
        before = np.bincount(bins, minlength=BINS) / len(bins)
        after = np.bincount(bins, weights, minlength=BINS) / weights.sum()
        print(name, "parts of all faces", *(f"{part:.2f}" for part in before), "as drawn", *(f"{part:.2f}" for part in after))

    with arguments.out.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["file", *measures, "weight"])
        for index, file in enumerate(files):
            writer.writerow([file, *(f"{values[index]:.4g}" for values in measures.values()), f"{weights[index]:.4f}"])


if __name__ == "__main__":
    main()
