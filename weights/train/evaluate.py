"""What a model can do, measured on images that it was never trained on. The definitions, exactly:

**Images.** All .webp, .png, .jpg and .jpeg below DIR, in the order of their paths' parts (folder by folder in byte order, then
by file name). A folder's name is the path's first part below DIR; images directly in DIR are of the folder ".". RGB, 8 bit. An
image is resized only if its size is not the model's: with Pillow's LANCZOS (support 3, widened by the scale when shrinking,
fixed-point weights of 8-bit images, horizontal pass first, rounded to 8 bit between the passes and at the end). x = pixel / 127.5 - 1.
Everything is computed in f32. Results of the network are clamped to [-1, 1] and not rounded to 8 bit.

**Likeness** L (`--likeness`, 1 unless told otherwise): the residuals d of a face's style codes are L times those that the fine encoder finds in its passes,
rounded to f16 (see fine_encoder.py). With 0, or a model without a fine encoder, there are none, E stands for the encoder alone, and nothing is settled.

**Reconstruction**, per image: y = clamp(G(E(x), d)).
- `mse`: mean over channels and pixels of (y - x)^2.
- `lpips`: LPIPS with VGG16, version 0.1, of (y, x) in [-1, 1] at the model's size (see perceptual.py).
Per folder and over all images: the mean over images.
With `--at SIZE`, to compare models of unlike sizes: x is the photo at that size, the model sees the photo at its own, and its picture is enlarged to
SIZE (bicubic, a = -0.75, pixel centres at .5; clamped). For the reconstruction only.

**Pairs.** With n images in the order above, h = floor(n / 2) and P = min(12, h): pair k = 0 .. P-1 is (a, b) = (i, i + h) with
i = floor(k * h / P).

**Interpolation**, per pair: frames f_j = clamp(G((1 - t) E(x_a) + t E(x_b), a(t) d_a + a(1 - t) d_b)), t = j / 8, j = 0 .. 8, with
a(t) = s(1 - 2 t) for t < 1/2, else 0, and s(x) = x^2 (3 - 2 x); l_j = LPIPS(f_{j+1}, f_j), j = 0 .. 7.
- `step_mean`: mean of l_j over all pairs and steps (lower: smoother for the same way).
- `path_length`: step_mean / (1/8)^2, comparable with a perceptual path length of epsilon 1/8.
- `unevenness`: mean over pairs of max_j l_j / mean_j l_j (1: every step changes as much as any other).
LPIPS is needed for all of these; without it there is no `interpolation` in the result.

**Local edits**, per pair (source a, reference b) and mask m (1 inside, on the model's pixels): style codes of both faces (with their residuals) are
mixed at every level, code = m_r * code_b + (1 - m_r) * code_a, m_r = average of m over each cell of the level's grid; with residuals the mix is then
settled (`settle` in fine_encoder.py: the faces' own pictures G(E(x), d), weights 1 - m and m, likeness L); e = clamp(G of the codes).
- `mse_src`: over channels and pixels with m = 0, mean of (e - x_a)^2. `mse_ref`: over those with m = 1, mean of (e - x_b)^2.
- `change_src`, `change_ref`: the same against the reconstructions y_a and y_b instead of the photos: what the edit itself changed
  where nothing should change, and how far it is from what was to be painted.
Mean over pairs, for each mask and, as `all`, over the masks. Masks are rectangles in sixteenths of the size: columns x0 <= x < x1, rows y0 <= y < y1,
pixel x belongs to a rectangle when x0 * size / 16 <= x < x1 * size / 16:
    half  x 8..16, y 0..16      eyes  x 3..13, y 6..9      nose  x 6..10, y 7..11
    mouth x 5..11, y 10..13     hair  x 0..16, y 0..5

The output is one JSON object: {"model", "likeness", "images_seen", "size", "images",
"reconstruction": {"all": {"n", "mse", "lpips"}, "folders": {NAME: {...}}}, "interpolation": {"pairs", "step_mean", "path_length", "unevenness"},
"local_edits": {"pairs", "all": {"mse_src", "mse_ref", "change_src", "change_ref"}, "masks": {NAME: {...}}}}. Without LPIPS the `lpips`
entries are missing.

With `--per-image FILE` every image's numbers are written as CSV as well: path, mse, lpips, and the photo's mean luminance (0 to 255; 0.299 R + 0.587 G
+ 0.114 B) over the rectangle `nose`, to see whom the model serves badly.

Usage: python evaluate.py MODEL DIR [--likeness L] [--lpips lpips_vgg16.safetensors] [--json FILE] [--per-image FILE] [--reconstruction-only] [--at SIZE]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from data import image_files, read_image, to_images
from fine_encoder import mix_codes, settle
from model_file import Face, Model, load_model
from perceptual import Lpips

LUMINANCE = (0.299, 0.587, 0.114)
PAIRS = 12
STEPS = 8
MASKS = {
    "half": (8, 0, 16, 16),
    "eyes": (3, 6, 13, 9),
    "nose": (6, 7, 10, 11),
    "mouth": (5, 10, 11, 13),
    "hair": (0, 0, 16, 5),
}
"""(x0, y0, x1, y1) in sixteenths of the size."""


def rectangle_mask(name: str, size: int) -> Tensor:
    """The mask (1, 1, size, size), 1 inside."""
    x0, y0, x1, y1 = MASKS[name]
    place = torch.arange(size) * 16
    columns = (place >= x0 * size) & (place < x1 * size)
    rows = (place >= y0 * size) & (place < y1 * size)
    return (rows[:, None] & columns[None, :]).float()[None, None]


def edit(model: Model, faces: tuple[Face, Face], mask: Tensor, likeness: float = 1.0) -> Tensor:
    """Local editing in W+ with a mask (1, 1, size, size): the first of two faces (N = 1) of that `likeness` with the masked part of the second.

    Settled, if the faces have residuals. Clamped images.
    """
    decoder = model.generator.decoder
    both = [model.codes(face) for face in faces]
    codes = mix_codes(*both, mask)
    if model.fine_encoder is None or not faces[0].residuals:
        return decoder.from_codes(codes).clamp(-1, 1)
    own = [decoder.from_codes(face_codes) for face_codes in both]
    return settle(decoder, model.fine_encoder, own, [1 - mask, mask], codes, likeness).after.clamp(-1, 1)


def pairs_of(count: int) -> list[tuple[int, int]]:
    """Indices of the pairs among `count` images."""
    half = count // 2
    pairs = min(PAIRS, half)
    return [(k * half // pairs, k * half // pairs + half) for k in range(pairs)]


@torch.inference_mode()
def reconstruction(
    model: Model,
    files: list[Path],
    folder: Path,
    lpips: Lpips | None,
    device: str,
    likeness: float = 1.0,
    per_image: Path | None = None,
    at: int | None = None,
) -> dict[str, Any]:
    """The part `reconstruction` of the result."""
    size = at or model.config.size
    lines = ["path,mse,lpips,luminance"]
    luminance = torch.tensor(LUMINANCE, device=device).view(3, 1, 1)
    inside = rectangle_mask("nose", size)[0, 0].bool()
    values: dict[str, list[tuple[float, ...]]] = {}
    for file in files:
        x = load(file, size, device)
        y = model.reconstruct(x if size == model.config.size else load(file, model.config.size, device), likeness)
        if y.shape != x.shape:
            y = F.interpolate(y, size, mode="bicubic", align_corners=False).clamp(-1, 1)
        measured = (F.mse_loss(y, x).item(),) + ((lpips(y, x).item(),) if lpips else ())
        parts = file.relative_to(folder).parts
        light = float(((x[0] + 1) * 127.5 * luminance).sum(0)[inside].mean())
        lines.append(",".join(["/".join(parts), *(f"{value:.5f}" for value in (*measured, float("nan"))[:2]), f"{light:.1f}"]))
        values.setdefault(parts[0] if len(parts) > 1 else ".", []).append(measured)

    def summary(measured: list[tuple[float, ...]]) -> dict[str, float]:
        columns = zip(*measured, strict=True)
        return {"n": len(measured)} | {
            name: float(np.mean(column)) for name, column in zip(("mse", "lpips"), columns, strict=False)
        }

    if per_image:
        per_image.write_text("\n".join(lines) + "\n", encoding="utf-8")
    everything = [value for folder_values in values.values() for value in folder_values]
    return {"all": summary(everything), "folders": {name: summary(measured) for name, measured in values.items()}}


@torch.inference_mode()
def interpolation(model: Model, files: list[Path], lpips: Lpips, device: str, likeness: float = 1.0) -> dict[str, float]:
    """The part `interpolation` of the result."""
    steps, unevenness = [], []
    pairs = pairs_of(len(files))
    for a, b in pairs:
        first, second = (model.face(load(files[i], model.config.size, device), likeness) for i in (a, b))
        frames = model.between(first, second, torch.linspace(0, 1, STEPS + 1, device=device))
        distances = lpips(frames[1:], frames[:-1]).cpu().numpy()
        steps.append(float(distances.mean()))
        unevenness.append(float(distances.max() / distances.mean()))
    step_mean = float(np.mean(steps))
    return {
        "pairs": len(pairs),
        "step_mean": step_mean,
        "path_length": step_mean * STEPS**2,
        "unevenness": float(np.mean(unevenness)),
    }


@torch.inference_mode()
def local_edits(model: Model, files: list[Path], device: str, likeness: float = 1.0) -> dict[str, Any]:
    """The part `local_edits` of the result."""
    names = ("mse_src", "mse_ref", "change_src", "change_ref")
    values: dict[str, list[list[float]]] = {name: [] for name in MASKS}
    pairs = pairs_of(len(files))
    for pair in pairs:
        source, reference = (load(files[i], model.config.size, device) for i in pair)
        faces = (model.face(source, likeness), model.face(reference, likeness))
        source_again, reference_again = (model.picture(face) for face in faces)
        for name in MASKS:
            mask = rectangle_mask(name, model.config.size).to(device)
            result = edit(model, faces, mask, likeness)
            inside, outside = (m.expand_as(result).bool() for m in (mask, 1 - mask))

            def mse(target: Tensor, where: Tensor, result: Tensor = result) -> float:
                return F.mse_loss(result[where], target[where]).item()

            values[name].append(
                [
                    mse(source, outside),
                    mse(reference, inside),
                    mse(source_again, outside),
                    mse(reference_again, inside),
                ]
            )
    means = {name: np.mean(rows, axis=0) for name, rows in values.items()}

    def entry(row: np.ndarray) -> dict[str, float]:
        return {name: float(value) for name, value in zip(names, row, strict=True)}

    return {
        "pairs": len(pairs),
        "all": entry(np.mean(list(means.values()), axis=0)),
        "masks": {name: entry(row) for name, row in means.items()},
    }


def load(file: Path, size: int, device: str) -> Tensor:
    """One image (1, 3, size, size)."""
    return to_images(torch.from_numpy(read_image(file, size).copy())[None], device)


def evaluate(
    model_path: Path,
    folder: Path,
    lpips: Lpips | None,
    device: str,
    everything: bool = True,
    per_image: Path | None = None,
    likeness: float = 1.0,
    at: int | None = None,
) -> dict[str, Any]:
    """The whole result for one model; with `at` of the reconstruction alone, at that size."""
    everything = everything and at is None
    model = load_model(model_path, device)
    files = image_files(folder)
    if len(files) < 2:
        raise ValueError(f"{folder} has fewer than two images")
    result: dict[str, Any] = {
        "model": model.metadata.get("name", model_path.name),
        "likeness": likeness if model.fine_encoder is not None else 0.0,
        "images_seen": int(model.metadata.get("images_seen") or 0),
        "size": at or model.config.size,
        "images": len(files),
        "reconstruction": reconstruction(model, files, folder, lpips, device, likeness, per_image, at),
    }
    if everything and lpips is not None:
        result["interpolation"] = interpolation(model, files, lpips, device, likeness)
    if everything:
        result["local_edits"] = local_edits(model, files, device, likeness)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures a model on held-out images.")
    parser.add_argument("model", type=Path, help="a model (.safetensors) or training checkpoint (.pt)")
    parser.add_argument("folder", type=Path, help="folder of folders of aligned images")
    parser.add_argument("--likeness", type=float, default=1.0, help="of the fine encoder's residuals; 0 is the encoder alone")
    parser.add_argument("--lpips", type=Path, help="the LPIPS-VGG16 network as safetensors")
    parser.add_argument("--json", type=Path, help="write the result there as well")
    parser.add_argument("--per-image", type=Path, help="write every image's numbers there, as CSV")
    parser.add_argument("--at", type=int, metavar="SIZE", help="measure the reconstruction at another size than the model's")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--reconstruction-only", action="store_true")
    arguments = parser.parse_args()
    torch.backends.cudnn.allow_tf32 = False  # all in f32
    lpips = Lpips(arguments.lpips).to(arguments.device) if arguments.lpips else None
    everything = not arguments.reconstruction_only
    result = evaluate(
        arguments.model,
        arguments.folder,
        lpips,
        arguments.device,
        everything,
        arguments.per_image,
        arguments.likeness,
        arguments.at,
    )
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
