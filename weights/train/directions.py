"""Semantic directions of a model: what a slider of the program moves along.

Candidates come from two sources:
- `component N`: the N-th principal component (from 0) of the encoder's stylemaps over training faces (a sample that export.py kept);
- `classifier NAME`: the normal of a linear classifier (logistic regression with a ridge) between two groups of the training faces. It is
  found in the space of the first components, scaled to unit variance: there a step along the normal is as likely a face in any direction.

Two candidates that are nearly as strong as each other may come out turned into each other by chance: a source `component A + component B` is
the direction halfway between them.

Labels come from the data's own names: `smile` from the folders `london_smiling` (1) and `london_neutral` (0); `sex` from file names
`male_*` (1) and `female_*` (0), and, in the folder `canada`, from the letter behind the number (m 1, f 0).

First look at what the candidates do (`--look`: each at several amounts on the given photos), then name those that are clear in a JSON file,
a list of {"source", "name", "range": [low, high], "flip": bool (optional)}, and write them (`--names`).

The output holds one tensor (style_dim, base, base) in f32 a direction, under its name: adding it moves a stylemap by one standard
deviation of the training faces along it. Metadata `directions`: a JSON list of {"name", "source", "range"} in the order of the names file.

Usage: python directions.py MODEL --stylemaps FILE --data DIR... --look FOLDER --faces A B C
       python directions.py MODEL --stylemaps FILE --data DIR... --names names.json --out directions.safetensors
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from data import image_files, load_pixels, read_image, to_images
from export import encode, principal_components
from model_file import Model, load_model
from sheet_images import save_sheet

CLASSIFIER_COMPONENTS = 64
RIDGE = 1e-2
AMOUNTS = (-3.0, -1.5, 0.0, 1.5, 3.0)
"""Amounts on the sheets, in standard deviations."""


def label(path: Path, kind: str) -> int | None:
    """1, 0 or, where the data does not say, nothing."""
    folder, name = path.parent.name, path.stem
    if kind == "smile":
        return {"london_smiling": 1, "london_neutral": 0}.get(folder)
    if kind == "sex":
        if match := re.match(r"(fe)?male_", name):
            return 0 if match[1] else 1
        if folder == "canada" and (match := re.match(r"\d+([mf])", name)):
            return int(match[1] == "m")
    return None


def classifier(values: Tensor, labels: Tensor) -> tuple[Tensor, float]:
    """Normal (n,) of a logistic regression on `values` (N, n), and its accuracy on five held-out fifths (balanced)."""

    def fit(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        weight, bias = torch.zeros(x.shape[1], requires_grad=True), torch.zeros((), requires_grad=True)
        balance = torch.where(y > 0.5, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
        optimizer = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(x @ weight + bias, y, weight=balance) + RIDGE * weight.pow(2).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        return weight.detach(), bias.detach()

    # An image and its mirror image lie in the two halves of `values`: both belong to the same fifth.
    fifth = torch.arange(len(values) // 2).repeat(2) % 5
    correct = []
    for held_out in range(5):
        weight, bias = fit(values[fifth != held_out], labels[fifth != held_out])
        right = ((values @ weight + bias > 0) == (labels > 0.5))[fifth == held_out].float()
        groups = labels[fifth == held_out] > 0.5
        correct.append((right[groups].mean() + right[~groups].mean()).item() / 2)
    return fit(values, labels)[0], sum(correct) / len(correct)


def candidates(model: Model, stylemaps: Tensor, components: int, folders: list[Path], cache: Path | None) -> dict[str, Tensor]:
    """Every candidate by its source: stylemaps (style_dim, base, base) of one standard deviation."""
    mean, vectors, deviations = principal_components(stylemaps, min(max(components, CLASSIFIER_COMPONENTS), len(stylemaps) - 1))
    shape = (model.config.style_dim, model.config.base, model.config.base)
    found = {f"component {i}": (vectors[i] * deviations[i]).view(shape) for i in range(components)}
    files = [file for folder in folders for file in image_files(folder)]
    pixels = load_pixels(folders, model.config.size, cache)
    for kind in ("smile", "sex"):
        labels = [label(file, kind) for file in files]
        labelled = torch.tensor([i for i, value in enumerate(labels) if value is not None], dtype=torch.long)
        values = torch.tensor([float(value) for value in labels if value is not None])
        if len(values) < 20 or values.unique().numel() < 2:
            continue
        mirrored = [encode(model.encoder, part) for part in (pixels[labelled], pixels[labelled].flip(2))]
        whitened = ((torch.cat(mirrored) - mean) @ vectors.T / deviations)[:, :CLASSIFIER_COMPONENTS]
        normal, accuracy = classifier(whitened, values.repeat(2))
        print(f"classifier {kind}: {len(values)} faces, {accuracy:.3f} right on held-out fifths")
        direction = (normal * deviations[:CLASSIFIER_COMPONENTS]) @ vectors[:CLASSIFIER_COMPONENTS]
        direction = direction / direction.norm()
        found[f"classifier {kind}"] = (direction * ((stylemaps - mean) @ direction).std()).view(shape)
    return found


def chosen(source: str, found: dict[str, Tensor], stylemaps: Tensor) -> Tensor:
    """The candidate of that source, or the direction halfway between several; one standard deviation of `stylemaps` (photos, values) along it."""
    parts = [found[name] for name in source.split(" + ")]
    if len(parts) == 1:
        return parts[0]
    direction = sum(part / part.norm() for part in parts)
    direction = direction / direction.norm()
    return direction * (stylemaps @ direction.flatten()).std()


@torch.inference_mode()
def look(model: Model, found: dict[str, Tensor], photos: list[Path], folder: Path) -> None:
    """Writes a sheet for every candidate: a row for each photo, from the lowest to the highest amount."""
    folder.mkdir(parents=True, exist_ok=True)
    images = torch.cat([to_images(torch.from_numpy(read_image(photo, model.config.size).copy())[None]) for photo in photos])
    stylemaps = model.encoder(images)
    for source, direction in found.items():
        rows = []
        for stylemap in stylemaps:
            amounts = torch.tensor(AMOUNTS).view(-1, 1, 1, 1)
            rows.append(model.generator(stylemap + amounts * direction).clamp(-1, 1))
        save_sheet(folder / f"{source.replace(' ', '_')}.png", rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Finds and writes semantic directions.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--stylemaps", type=Path, required=True, help="the training faces' stylemaps as export.py kept them")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="the training faces, for the classifiers")
    parser.add_argument("--components", type=int, default=16)
    parser.add_argument("--look", type=Path, help="folder for a sheet of every candidate")
    parser.add_argument("--faces", type=Path, nargs="*", default=[], help="held-out photos for the sheets")
    parser.add_argument("--names", type=Path, help="what to keep, and how it is called")
    parser.add_argument("--out", type=Path, help="the safetensors to write")
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    stylemaps = load_file(str(arguments.stylemaps))["stylemaps"]
    found = candidates(model, stylemaps, arguments.components, arguments.data, arguments.cache)
    if arguments.look:
        look(model, found, arguments.faces, arguments.look)
    if arguments.names and arguments.out:
        kept = json.loads(arguments.names.read_text(encoding="utf-8"))
        tensors = {entry["name"]: chosen(entry["source"], found, stylemaps) * (-1 if entry.get("flip") else 1) for entry in kept}
        listed = [{key: entry[key] for key in ("name", "source", "range")} for entry in kept]
        save_file(
            {name: tensor.float().contiguous() for name, tensor in tensors.items()},
            str(arguments.out),
            {"format": "stylemap directions", "directions": json.dumps(listed)},
        )
        print(f"{arguments.out}: {', '.join(tensors)}")


if __name__ == "__main__":
    main()
