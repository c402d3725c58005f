"""Training checkpoints: everything that a run needs to go on, and a smaller form to carry between machines.

A checkpoint is one torch file of plain values and tensors: `config`, `images_seen`, `phase`, `schedule_s` (how long the phase took);
`generator`, `encoder`, `discriminator`, `heads` (as trained); `generator_average`, `encoder_average` (what is evaluated and exported);
`grown_at`, `heads_from`, `heads_ratio` (when the model grew to its size, when the heads began, their balance);
`optimizers`; `random` (states of the random numbers). Of a fine encoder's training also `fine_encoder`, `fine_encoder_average` and
`fine_images_seen`; generator and encoder, which it does not change, are there as averages only.

A carried checkpoint has the averages, the discriminator and the heads only, in f16: a run goes on from the averages with fresh optimisers, whose rate rises
again from zero.

Usage: python checkpoint.py split last.pt FOLDER [--part-mib 15]
       python checkpoint.py join FOLDER last.pt
"""

from __future__ import annotations

import argparse
import io
import os
from pathlib import Path
from typing import Any

import torch

from model_file import load_model

CARRIED = ("generator_average", "encoder_average", "fine_encoder_average", "discriminator", "heads")
PLAIN = ("config", "images_seen", "fine_images_seen", "phase", "mapping", "schedule_s", "grown_at", "heads_from", "heads_ratio")


def save_atomically(value: Any, path: Path) -> None:
    """Writes a torch file so that `path` is at all times a whole file: the old one or the new one."""
    unfinished = path.with_name(path.name + ".unfinished")
    with unfinished.open("wb") as file:
        torch.save(value, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def load(path: Path) -> dict[str, Any]:
    """Reads a checkpoint, whole or carried, or a model file; of the latter two the averages stand for the trained weights too."""
    if path.suffix == ".safetensors":
        model = load_model(path)
        checkpoint = {
            "config": model.config.to_dict(),
            "images_seen": int(model.metadata.get("images_seen") or 0),
            "generator_average": model.generator.state_dict(),
            "encoder_average": model.encoder.state_dict(),
        }
        checkpoint |= {name: model.metadata[name] for name in ("mapping", "fine_images_seen") if name in model.metadata}
        if model.fine_encoder is not None:
            checkpoint["fine_encoder_average"] = model.fine_encoder.state_dict()
        return _trained_too(checkpoint)
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    for name in CARRIED:
        if name in checkpoint:
            checkpoint[name] = {key: tensor.float() for key, tensor in checkpoint[name].items()}
    return _trained_too(checkpoint)


def _trained_too(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Where only an average is there, it stands for the trained weights as well."""
    for network in ("generator", "encoder", "fine_encoder"):
        if f"{network}_average" in checkpoint:
            checkpoint.setdefault(network, checkpoint[f"{network}_average"])
    return checkpoint


def split(path: Path, folder: Path, part_bytes: int) -> list[Path]:
    """Writes the carried form of a checkpoint as numbered parts of at most `part_bytes`; what else lay under their names goes."""
    checkpoint = load(path)
    carried = {name: value for name, value in checkpoint.items() if name in PLAIN}
    for name in CARRIED:
        if checkpoint.get(name):
            carried[name] = {key: tensor.half() for key, tensor in checkpoint[name].items()}
    buffer = io.BytesIO()
    torch.save(carried, buffer)
    content = buffer.getbuffer()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("part_*.bin"):
        old.unlink()
    parts = []
    for index, start in enumerate(range(0, len(content), part_bytes)):
        part = folder / f"part_{index:03}.bin"
        part.write_bytes(content[start : start + part_bytes])
        parts.append(part)
    return parts


def join(folder: Path, path: Path) -> None:
    """Makes one carried checkpoint of its parts.

    Raises:
        ValueError: when there are none.
    """
    parts = sorted(folder.glob("part_*.bin"))
    if not parts:
        raise ValueError(f"{folder} holds no parts of a checkpoint")
    buffer = io.BytesIO(b"".join(part.read_bytes() for part in parts))
    save_atomically(torch.load(buffer, map_location="cpu", weights_only=True), path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Splits a training checkpoint for transfers, and joins it again.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("split")
    command.add_argument("checkpoint", type=Path)
    command.add_argument("folder", type=Path)
    command.add_argument("--part-mib", type=float, default=15)
    command = commands.add_parser("join")
    command.add_argument("folder", type=Path)
    command.add_argument("checkpoint", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "split":
        for part in split(arguments.checkpoint, arguments.folder, int(arguments.part_mib * 2**20)):
            print(part, part.stat().st_size)
    else:
        join(arguments.folder, arguments.checkpoint)


if __name__ == "__main__":
    main()
