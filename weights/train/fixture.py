"""PyTorch's numbers of a model file for the program's parity test: inputs `in/NAME` and expected outputs `f32/NAME`, named and computed
as in the published fixtures, for two photos. The weights are those of the file (f16), the arithmetic is f32.

in/images: two photos. in/mask_w_half: 1 on the right half of the picture, -1 on the left (hard masks: max pooling, then > -1).
in/z: two latents. Outputs: stylemap_enc, image_recon, stylemap_z, image_lerp03, image_mix_w_plus_half, all of them without the fine encoder.

Of a model with a fine encoder also: image_fine_1 and image_fine_2, both photos after one and two passes; image_fine_mix_half, the codes after two passes,
the right half of the picture from the second photo (0 and 1, average pooling).

Usage: python fixture.py MODEL PHOTO PHOTO OUT.safetensors
Check: stylebrush verify OUT.safetensors --model MODEL
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from data import read_image, to_images
from fine_encoder import mix_codes, refine
from model_file import load_model

LERP = 0.3
FINE_PASSES = 2


def both(codes: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The style codes of each of two photos."""
    return [code[:1] for code in codes], [code[1:] for code in codes]


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description="Writes a parity fixture of a model.")
    parser.add_argument("model", type=Path)
    parser.add_argument("photos", type=Path, nargs=2)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    size, decoder = model.config.size, model.generator.decoder
    images = torch.cat([to_images(torch.from_numpy(read_image(photo, size).copy())[None]) for photo in arguments.photos])
    latents = torch.randn(2, model.config.style_dim, generator=torch.Generator().manual_seed(0))
    mask = torch.full((1, 1, size, size), -1.0)
    mask[..., size // 2 :] = 1.0

    stylemaps = model.encoder(images)
    codes = decoder.style_codes(stylemaps)
    first, second = both(codes)
    mixed = []
    for a, b in zip(first, second, strict=True):
        weights = (F.max_pool2d(mask, size // a.shape[-1]) > -1).float()
        mixed.append(weights * b + (1 - weights) * a)
    tensors = {
        "in/images": images,
        "in/z": latents,
        "in/mask_w_half": mask[0],
        "f32/stylemap_enc": stylemaps,
        "f32/image_recon": model.generator(stylemaps),
        "f32/stylemap_z": model.generator.map(latents),
        "f32/image_lerp03": model.generator((1 - LERP) * stylemaps[:1] + LERP * stylemaps[1:]),
        "f32/image_mix_w_plus_half": decoder.from_codes(mixed),
    }
    if model.fine_encoder is not None:
        pictures, refined = refine(decoder, model.fine_encoder, images, codes, FINE_PASSES)
        half = (mask > 0).float()
        tensors |= {f"f32/image_fine_{number}": picture for number, picture in enumerate(pictures) if number}
        tensors["f32/image_fine_mix_half"] = decoder.from_codes(mix_codes(*both(refined), half))
    save_file({name: value.contiguous() for name, value in tensors.items()}, str(arguments.out))
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
