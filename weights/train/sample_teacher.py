"""Samples faces that do not exist from a teacher, to train on: the generator in the PyPI wheel `random_face` (MobileStyleGAN, 1024 px, aligned as ours).

Every face is named by its seed, so any number of processes and calls may share a folder: what is there is left as it is. OUT/000000.webp ... and nothing else;
its labels and how often each face should be drawn are measured by stratify.py.

The wheel's label says Apache-2.0; its generator was distilled from StyleGAN2-FFHQ, whose weights are for non-commercial use: so are weights that
were trained on its faces.

It has an environment of its own: pip install numpy pillow openvino && pip install --no-deps random_face==2021.7.21.1
(the wheel's code is for an older OpenVINO; only its two networks are read).

Usage: python sample_teacher.py OUT --first SEED --count N [--part I/N] [--minutes M]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from PIL import Image

SIZE = 256
QUALITY = 90
MEAN_SEED, MEAN_SAMPLES = 0, 4096
LEAST_TRUNCATION, GREATEST_TRUNCATION = 0.6, 1.0
"""1 is the teacher's own variety, with its failures; towards 0 all faces become the mean one."""


class Teacher:
    """The wheel's mapping and synthesis networks, on one thread."""

    def __init__(self) -> None:
        found = importlib.util.find_spec("random_face")
        if found is None or not found.submodule_search_locations:
            raise SystemExit("the wheel random_face is not installed: pip install --no-deps random_face==2021.7.21.1")
        package = Path(found.submodule_search_locations[0])
        said = json.loads((package / "configs" / "config.json").read_text(encoding="utf-8"))
        core = openvino.Core()

        def network(name: str) -> Any:
            model = core.read_model(package / said[f"{name}_xml"], package / said[f"{name}_bin"])
            return core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"})

        self.mapping, self.synthesis = network("mnet"), network("snet")
        self.style_dim, (self.low, self.high) = said["style_dim"], said["img_range"]
        random = np.random.default_rng(MEAN_SEED)
        self.mean_style = np.mean([self._style(random) for _ in range(MEAN_SAMPLES)], axis=0)

    def _style(self, random: np.random.Generator) -> np.ndarray:
        latent = random.standard_normal((1, self.style_dim), dtype=np.float32)
        return self.mapping({"var": latent})[self.mapping.output("style")].copy()

    def face(self, seed: int) -> Image.Image:
        """The face of a seed, at `SIZE`."""
        random = np.random.default_rng(seed)
        truncation = random.uniform(LEAST_TRUNCATION, GREATEST_TRUNCATION)
        style = self.mean_style + truncation * (self._style(random) - self.mean_style)
        image = self.synthesis({"style": style.astype(np.float32)})[self.synthesis.output("img")][0]
        scaled = (image.clip(self.low, self.high) - self.low) / (self.high - self.low) * 255
        whole = Image.fromarray(scaled.round().astype(np.uint8).transpose(1, 2, 0), "RGB")
        return whole.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(description="Samples faces from the teacher.")
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--first", type=int, default=100_000, help="the first seed; those below 100,000 belong to the first four models' data"
    )
    parser.add_argument("--count", type=int, required=True, help="how many seeds from the first one on")
    parser.add_argument("--part", default="1/1", help="I/N: every Nth seed from the Ith, for one of N processes")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after this long; a later call goes on")
    arguments = parser.parse_args()
    part, parts = (int(number) for number in arguments.part.split("/"))
    if not 1 <= part <= parts:
        parser.error("--part I/N wants I from 1 to N")
    started = time.time()
    arguments.out.mkdir(parents=True, exist_ok=True)
    teacher = Teacher()
    made = 0
    for seed in range(arguments.first + part - 1, arguments.first + arguments.count, parts):
        if time.time() - started > arguments.minutes * 60:
            break
        path = arguments.out / f"{seed:06}.webp"
        if path.exists():
            continue
        unfinished = path.with_suffix(".unfinished")
        teacher.face(seed).save(unfinished, "WEBP", quality=QUALITY, method=4)
        unfinished.replace(path)
        made += 1
    print(f"{made} faces in {time.time() - started:.0f} s, {time.process_time():.0f} of them on a core")


if __name__ == "__main__":
    main()
