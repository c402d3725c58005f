"""Trains a model. Two phases:

- `autoencoder`: encoder and generator learn to reconstruct photos (L1 at several scales, LPIPS). Cheap: all that a CPU can afford.
- `adversarial`: the published losses. Non-saturating adversarial loss with R1 every 16 steps, the domain-guided loss of the encoder
  (reconstructions must look real), reconstruction of the latent stylemap, MSE and LPIPS. For a GPU.

Limits, schedule, workers and resuming are those of training.py.

OUT receives `last.pt` (the checkpoint, replaced atomically), `metrics.jsonl` (one JSON object a report), `sheet_THOUSANDS.png`.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import checkpoint as checkpoints
from data import random_batch, to_images
from losses import gradient_penalty, looks_made, looks_real, multi_scale_l1
from networks import Config, Discriminator, Encoder, Generator
from optimizers import make_optimizer
from sheet_images import save_sheet
from training import BaseTrainer, RunSettings, Shared, add_run_arguments, prepare_device, run

R1_INTERVAL_STEPS = 16
SHEET_FACES = 8
AVERAGE_HALF_LIFE = {"autoencoder": 500.0, "adversarial": 10_000.0}
"""In images. The adversarial phase's weights wander around their place, and only a long average finds it."""


@dataclasses.dataclass
class Settings(RunSettings):
    """What a run is told; see `--help` for each."""

    phase: str = "autoencoder"
    config: Path | None = None
    size: int = 128
    optimizer: str = "muon"
    rate: float = 0.01
    adam_rate: float = 0.005
    discriminator_rate: float = 0.002
    momentum: float = 0.9
    pixel_weight: float = 2.0
    lpips_weight: float = 1.0
    adversarial_weight: float = 1.0
    r1_weight: float = 10.0


@dataclasses.dataclass
class Networks:
    """What is trained, and the average that is evaluated and exported."""

    config: Config
    generator: Generator
    encoder: Encoder
    discriminator: Discriminator | None
    generator_average: Generator
    encoder_average: Encoder

    @classmethod
    def new(cls, config: Config, adversarial: bool) -> Networks:
        """Fresh random weights."""
        generator, encoder = Generator(config), Encoder(config)
        discriminator = Discriminator(config) if adversarial else None
        averages = [copy.deepcopy(network).eval().requires_grad_(False) for network in (generator, encoder)]
        return cls(config, generator, encoder, discriminator, *averages)

    def named(self) -> dict[str, nn.Module]:
        """All networks by their names in checkpoints."""
        fields = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: value for name, value in fields if isinstance(value, nn.Module)}

    def averaged(self) -> list[tuple[nn.Module, nn.Module]]:
        """Pairs of a trained network and its average."""
        return [(self.generator, self.generator_average), (self.encoder, self.encoder_average)]

    def restore(self, saved: dict[str, Any]) -> None:
        """Takes the weights of a checkpoint of the same size, or grows from one of a smaller size.

        Growing takes every tensor whose level exists in both. The encoder's blocks count from the largest level, so there they
        move up; from RGB and to RGB are new.

        Raises:
            ValueError: when the widths of levels that exist in both differ.
        """
        old = Config.from_dict(saved["config"])
        new_levels = len(self.config.levels()) - len(old.levels())
        for name, network in self.named().items():
            if not saved.get(name):
                continue
            state = saved[name]
            if new_levels == 0:
                network.load_state_dict(state)
                continue
            own = network.state_dict()
            for key, tensor in state.items():
                parts = key.split(".")
                if not isinstance(network, Generator) and parts[0] == "convs":
                    parts[1] = str(int(parts[1]) + new_levels)
                own_key = ".".join(parts)
                if "rgb" in own_key or own_key not in own:
                    continue
                if own[own_key].shape != tensor.shape:
                    raise ValueError(f"{name}.{key} has the widths {tuple(tensor.shape)}: grow with a --config of the same ones")
                own[own_key] = tensor
            network.load_state_dict(own)


class Trainer(BaseTrainer):
    """One process's training of generator and encoder."""

    networks: Networks
    settings: Settings

    def __init__(self, settings: Settings, networks: Networks, shared: Shared, rank: int = 0) -> None:
        self.default_half_life = AVERAGE_HALF_LIFE[settings.phase]
        super().__init__(settings, networks, shared, rank)
        self.adversarial = settings.phase == "adversarial"
        betas = (0.0, 0.99) if self.adversarial else (settings.momentum, 0.99)
        g, e, d = networks.generator, networks.encoder, networks.discriminator
        # The adversarial phase keeps three optimisers as published: a step on the encoder alone must not move the generator.
        kind = "adam" if self.adversarial else settings.optimizer
        adam_rate = settings.discriminator_rate if self.adversarial else settings.adam_rate
        self.optimizers = {
            "generator": make_optimizer([g], kind, settings.rate, adam_rate, betas),
            "encoder": make_optimizer([e], kind, settings.rate, adam_rate, betas),
        }
        if d is not None:
            ratio = R1_INTERVAL_STEPS / (R1_INTERVAL_STEPS + 1)
            self.optimizers["discriminator"] = make_optimizer([d], "adam", 0.0, adam_rate * ratio, (0.0, 0.99**ratio))
        self.reconstruct_losses = self._reconstruct_losses
        if settings.compile:
            self.reconstruct_losses = torch.compile(self._reconstruct_losses, dynamic=False)

    def _reconstruct_losses(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(reconstruction, pixel loss, LPIPS)."""
        with self._autocast():
            result = self.networks.generator(self.networks.encoder(images)).float()
            pixel = F.mse_loss(result, images) if self.adversarial else multi_scale_l1(result, images)
            lpips = self.lpips(result, images).mean() if self.lpips is not None else result.new_zeros(())
        return result, pixel, lpips

    def _latents(self) -> Tensor:
        shape = (self.settings.batch, self.networks.config.style_dim)
        return torch.randn(shape, generator=self.random).to(self.device, non_blocking=True)

    def step(self, pixels: Tensor, rate: float) -> None:
        """One step on a batch of `pixels`, with the learning rates times `rate`."""
        self._set_rate(rate)
        images = random_batch(pixels, self.settings.batch, self.device, self.random)
        if self.adversarial:
            self._adversarial_steps(images)
        self._clear()
        result, pixel, lpips = self.reconstruct_losses(images)
        loss = self.settings.pixel_weight * pixel + self.settings.lpips_weight * lpips
        if self.networks.discriminator is not None:
            with self._autocast():
                domain = looks_real(self.networks.discriminator(result))
            loss = loss + self.settings.adversarial_weight * domain
            self._record(domain=domain)
        loss.backward()
        self.optimizers["generator"].step()
        self.optimizers["encoder"].step()
        self._record(pixel=pixel, lpips=lpips)
        self._count_step()

    def _adversarial_steps(self, images: Tensor) -> None:
        """The published losses besides reconstruction: generator, latent reconstruction, discriminator, R1."""
        generator, encoder = self.networks.generator, self.networks.encoder
        discriminator = self.networks.discriminator
        assert discriminator is not None
        discriminator.requires_grad_(False)
        self._clear()
        with self._autocast():
            stylemap = generator.map(self._latents())
            made = generator(stylemap)
            fooled = looks_real(discriminator(made))
        (self.settings.adversarial_weight * fooled).backward()
        self.optimizers["generator"].step()

        self._clear()
        with self._autocast():
            latent = F.mse_loss(encoder(made.detach()).float(), stylemap.detach().float())
        latent.backward()
        self.optimizers["encoder"].step()

        with torch.no_grad(), self._autocast():
            made, result = generator(generator.map(self._latents())), generator(encoder(images))
        discriminator.requires_grad_(True)
        self._clear()
        with self._autocast():
            told = looks_real(discriminator(images)) + looks_made(discriminator(made)) + looks_made(discriminator(result))
        told.backward()
        self.optimizers["discriminator"].step()
        if self.steps % R1_INTERVAL_STEPS == 0:
            self._clear()
            penalty = gradient_penalty(discriminator, images)
            (self.settings.r1_weight / 2 * R1_INTERVAL_STEPS * penalty).backward()
            self.optimizers["discriminator"].step()
            self._record(r1=penalty)
        # The domain-guided loss, which follows, moves the other two.
        discriminator.requires_grad_(False)
        self._record(generator=fooled, discriminator=told, latent=latent)

    @torch.no_grad()
    def report(self, held_out: Tensor, elapsed_s: float, images_this_run: int, rate: float) -> dict[str, Any]:
        """Saves a checkpoint and a sheet, measures the average on held-out images, writes a line of metrics."""
        settings, networks = self.settings, self.networks
        mse = lpips = 0.0
        with self._autocast():
            for pixels in held_out.split(SHEET_FACES):
                images = to_images(pixels, self.device)
                result = networks.generator_average(networks.encoder_average(images)).float().clamp(-1, 1)
                mse += F.mse_loss(result, images).item() * len(images)
                if self.lpips is not None:
                    lpips += float(self.lpips(result, images).sum())
            faces = to_images(held_out[:SHEET_FACES], self.device)
            stylemaps = networks.encoder_average(faces)
            rows = [faces, networks.generator_average(stylemaps)]
            rows.append(networks.generator_average((stylemaps + stylemaps.roll(1, 0)) / 2))
            if self.adversarial:
                shape = (len(faces), networks.config.style_dim)
                latents = torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(self.device)
                rows.append(networks.generator_average(networks.generator_average.map(latents)))
        save_sheet(settings.out / f"sheet_{self.shared.images // 1000:06}.png", rows)
        checkpoints.save_atomically(self.state(), settings.out / "last.pt")
        measured = {
            "held_out_mse": round(mse / len(held_out), 5),
            "held_out_lpips": round(lpips / len(held_out), 4) if self.lpips is not None else None,
        }
        return self._write_line(elapsed_s, images_this_run, rate, measured)


def train(settings: Settings) -> None:
    """A whole run."""
    started = time.time()
    settings.out.mkdir(parents=True, exist_ok=True)
    settings = prepare_device(settings)
    torch.manual_seed(settings.seed)
    resumed = checkpoints.load(settings.resume) if settings.resume else None
    if settings.config is not None:
        config = Config.from_dict(json.loads(settings.config.read_text(encoding="utf-8")))
    elif resumed is not None and resumed["config"]["size"] == settings.size:
        config = Config.from_dict(resumed["config"])
    else:
        config = Config(size=settings.size)
    # A fine encoder fits the networks as they were: it is made anew when these are done.
    config = dataclasses.replace(config, fine_encoder=None)
    networks = Networks.new(config, settings.phase == "adversarial")
    if resumed is not None:
        networks.restore(resumed)
    run(Trainer, settings, networks, resumed, resumed["images_seen"] if resumed else 0, started)


def parse_settings(arguments: list[str] | None = None) -> Settings:
    """Settings from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add, default = parser.add_argument, Settings([], Path())
    add_run_arguments(parser, default)
    add("--phase", choices=["autoencoder", "adversarial"], default=default.phase)
    add("--config", type=Path, help="a JSON file of widths instead of the default ones")
    add("--size", type=int, default=default.size, help="pixels; a larger size than the resumed checkpoint's grows it")
    add("--resume", type=Path, help="a checkpoint, whole or carried, or a model file")
    add("--lpips", type=Path, help="the LPIPS-VGG16 network as safetensors; without it the loss is of pixels only")
    add("--optimizer", choices=["muon", "adam"], default=default.optimizer, help="of the autoencoder phase")
    add("--rate", type=float, default=default.rate, help="Muon's learning rate")
    add("--adam-rate", type=float, default=default.adam_rate, help="Adam's in the autoencoder phase")
    add("--discriminator-rate", type=float, default=default.discriminator_rate, help="all rates in the adversarial phase")
    add("--momentum", type=float, default=default.momentum)
    add("--pixel-weight", type=float, default=default.pixel_weight)
    add("--lpips-weight", type=float, default=default.lpips_weight)
    add(
        "--adversarial-weight",
        type=float,
        default=default.adversarial_weight,
        help="of the generator's and the domain-guided loss",
    )
    add("--r1-weight", type=float, default=default.r1_weight)
    add("--average-half-life", type=float, help="of the weights' average, in images: 500, in the adversarial phase 10,000")
    return Settings(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # a thread that spins takes time from others on a shared machine
    train(parse_settings())
