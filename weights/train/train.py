"""Trains a model. Three phases:

- `autoencoder`: encoder and generator learn to reconstruct photos (L1 at several scales, LPIPS).
- `heads`: the same, and small heads on the features of LPIPS (heads.py) judge reconstructions, local edits and halfway faces, which makes them sharp.
  For a CPU. After growing the heads wait until the new level is no noise any more.
- `adversarial`: the published losses. Non-saturating adversarial loss with R1 every 16 steps, the domain-guided loss of the encoder
  (reconstructions must look real), reconstruction of the latent stylemap, MSE and LPIPS. For a GPU.

Limits, schedule, workers and resuming are those of training.py.

In the first two phases LPIPS sees pictures larger than 128 px shrunk to that or as a crop of it in full size, by turns: a quarter of the time.

OUT receives `last.pt` (the checkpoint, replaced atomically), `metrics.jsonl` (one JSON object a report), `sheet_THOUSANDS.png`: photos kept aside, again,
halfway to the neighbour, eyes and mouth of the neighbour, and in the adversarial phase faces of nobody.
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
from data import to_images
from edits import match_colours, random_masks
from evaluate import rectangle_mask
from fine_encoder import FineEncoder, mix_codes
from heads import BALANCE_STEPS, Balance, Heads, crop_places, hinge, passing, views
from losses import gradient_penalty, looks_made, looks_real, multi_scale_l1
from networks import Config, Discriminator, Encoder, FineEncoderConfig, Generator
from optimizers import make_optimizer
from sheet_images import save_sheet
from training import BaseTrainer, Faces, RunSettings, Shared, add_run_arguments, prepare_device, run

R1_INTERVAL_STEPS = 16
SHEET_FACES = 8
AVERAGE_HALF_LIFE = {"autoencoder": 500.0, "heads": 500.0, "joint": 500.0, "adversarial": 10_000.0}
"""In images. The adversarial phase's weights wander around their place, and only a long average finds it."""
MOMENTUM = {"autoencoder": 0.9, "heads": 0.7, "joint": 0.7, "adversarial": 0.0}
JUDGED_PHASES = ("heads", "joint")
"""Those with heads; `joint` is that of train_joint.py."""
VIEW_PX = 128
"""The greatest size at which LPIPS sees pictures while they are trained."""
HEADS_ALONE_PART = 0.15
"""Of the ramp: how long the heads learn before anybody heeds them."""
HALFWAY_PART = 0.25
"""Of the edited pictures: how many are faces between two, and no local edits."""
MATCHED_PART = 0.5
"""Of the edited pictures: how many references get the colours of the face that they are painted on, as in the program."""


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
    momentum: float | None = None
    pixel_weight: float = 2.0
    lpips_weight: float = 1.0
    adversarial_weight: float = 1.0
    r1_weight: float = 10.0
    heads_weight: float = 1.0
    heads_rate: float = 1e-3
    heads_wait: int = 3000
    heads_ramp: int = 2000
    edit_steps: int = 2
    edit_weight: float = 0.5


@dataclasses.dataclass
class Networks:
    """What is trained, and the averages that are evaluated and exported."""

    config: Config
    generator: Generator
    encoder: Encoder
    discriminator: Discriminator | None
    heads: Heads | None
    generator_average: Generator
    encoder_average: Encoder
    fine_encoder: FineEncoder | None = None
    """In the phase `joint` only."""
    fine_encoder_average: FineEncoder | None = None
    grown_at: int = 0
    """Images seen when the model grew to its size."""
    fine_images_seen: int = 0
    """By the fine encoder, before this run."""

    @classmethod
    def new(cls, config: Config, phase: str) -> Networks:
        """Fresh random weights, of what `phase` needs."""
        generator, encoder = Generator(config), Encoder(config)
        discriminator = Discriminator(config) if phase == "adversarial" else None
        heads = Heads() if phase in JUDGED_PHASES else None
        fine_encoder = FineEncoder(config, config.fine_encoder) if config.fine_encoder else None
        generator_average, encoder_average, fine_encoder_average = (
            copy.deepcopy(network).eval().requires_grad_(False) if network is not None else None
            for network in (generator, encoder, fine_encoder)
        )
        averages = (generator_average, encoder_average, fine_encoder, fine_encoder_average)
        return cls(config, generator, encoder, discriminator, heads, *averages)

    def named(self) -> dict[str, nn.Module]:
        """All networks by their names in checkpoints."""
        fields = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: value for name, value in fields if isinstance(value, nn.Module)}

    def averaged(self) -> list[tuple[nn.Module, nn.Module]]:
        """Pairs of a trained network and its average."""
        pairs = [(self.generator, self.generator_average), (self.encoder, self.encoder_average)]
        if self.fine_encoder is not None:
            pairs.append((self.fine_encoder, self.fine_encoder_average))
        return pairs

    def restore(self, saved: dict[str, Any]) -> None:
        """Takes the weights of a checkpoint of the same size, or grows from one of a smaller size.

        Growing takes every tensor whose level exists in both. The encoder's blocks count from the largest level, so there they
        move up; from RGB and to RGB are new.

        Raises:
            ValueError: when the widths of levels that exist in both differ.
        """
        old = Config.from_dict(saved["config"])
        new_levels = len(self.config.levels()) - len(old.levels())
        self.grown_at = saved.get("images_seen", 0) if new_levels else saved.get("grown_at", 0)
        self.fine_images_seen = int(saved.get("fine_images_seen", 0))
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
        momentum = MOMENTUM[settings.phase] if settings.momentum is None or self.adversarial else settings.momentum
        betas = (momentum, 0.99)
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
        if networks.heads is not None:
            self.optimizers["heads"] = make_optimizer([networks.heads], "adam", 0.0, settings.heads_rate, (0.0, 0.99))
        self.balance = Balance()
        self.heads_from = max(shared.first_images, networks.grown_at + settings.heads_wait)
        """Images seen when the heads begin to learn."""
        self.view = min(VIEW_PX, networks.config.size)
        # One by one: gradients are taken between the pieces, and the heads' own learning goes on after the networks'.
        pieces = (self._reconstruct, self._perceive, self._edit, self._features, self._published_losses)
        if settings.compile:
            # Gradients are taken twice of the same pieces.
            torch._functorch.config.donated_buffer = False
            pieces = [torch.compile(piece, dynamic=False) for piece in pieces]
        self.reconstruct, self.perceive, self.edit, self.features, self.published_losses = pieces

    def state(self) -> dict[str, Any]:
        """Everything that a run needs to go on (see checkpoint.py)."""
        own = {"grown_at": self.networks.grown_at, "heads_from": self.heads_from, "heads_ratio": self.balance.ratio}
        return super().state() | own

    def restore(self, saved: dict[str, Any]) -> None:
        """Optimisers, random numbers, and how far the heads are."""
        super().restore(saved)
        if saved.get("phase") == self.settings.phase and saved["config"] == self.networks.config.to_dict():
            self.heads_from = saved.get("heads_from", self.heads_from)
            self.balance.ratio = saved.get("heads_ratio")

    def _reconstruct(self, photos: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(reconstruction, pixel loss, stylemaps)."""
        with self._autocast():
            stylemaps = self.networks.encoder(photos)
            result = self.networks.generator(stylemaps).float()
            return result, multi_scale_l1(result, targets), stylemaps

    def _perceive(self, shown: Tensor, target_shown: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """(LPIPS, its features of the reconstruction, of the target)."""
        with self._autocast():
            with torch.no_grad():
                target_features = self.lpips.features(target_shown)
            features = self.lpips.features(shown)
            return self.lpips.distance(features, target_features).mean(), features, target_features

    def _features(self, shown: Tensor) -> list[Tensor]:
        with self._autocast():
            return self.lpips.features(shown)

    def _edit(self, stylemaps: Tensor, references: Tensor, halfway: Tensor, masks: Tensor) -> Tensor:
        """Pictures of faces on the way (N, 1, 1, 1) to their references, with what the masks show of these."""
        with self._autocast():
            decoder = self.networks.generator.decoder
            own = decoder.style_codes(stylemaps + halfway.to(stylemaps.dtype) * (references - stylemaps))
            return decoder.from_codes(mix_codes(own, decoder.style_codes(references), masks)).float()

    def _published_losses(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(reconstruction, MSE, LPIPS) of the adversarial phase."""
        with self._autocast():
            result = self.networks.generator(self.networks.encoder(images)).float()
            lpips = self.lpips(result, images).mean() if self.lpips is not None else result.new_zeros(())
        return result, F.mse_loss(result, images), lpips

    def _latents(self) -> Tensor:
        shape = (self.settings.batch, self.networks.config.style_dim)
        return torch.randn(shape, generator=self.random).to(self.device, non_blocking=True)

    def step(self, faces: Faces, rate: float) -> None:
        """One step on a batch of `faces`, with the learning rates times `rate`."""
        self._set_rate(rate)
        photos, targets = self._batch(faces)
        if self.adversarial:
            self._published_step(targets)
        else:
            self._reconstruction_step(photos, targets)
        self._count_step()

    def _reconstruction_step(self, photos: Tensor, targets: Tensor) -> None:
        """Reconstruction, and in the phase `heads` what the heads say of it and of edits; then the heads learn."""
        settings, heads = self.settings, self.networks.heads
        self._clear()
        result, pixel, stylemaps = self.reconstruct(photos, targets)
        self._record(pixel=pixel)
        loss = settings.pixel_weight * pixel
        photo_features: list[Tensor] = []
        made: list[list[Tensor]] = []
        weight = 0.0
        if self.lpips is not None:
            places = crop_places(len(result), result.shape[-1], self.view, self.random)
            shown = views(result, places, self.view)
            lpips, features, photo_features = self.perceive(shown, views(targets, places, self.view))
            self._record(lpips=lpips)
            loss = loss + settings.lpips_weight * lpips
        learning = self.shared.images - self.heads_from
        if heads is not None and learning >= 0:
            if not heads.is_calibrated:
                heads.calibrate(photo_features)
            ramp = min(1.0, max(0.0, learning / max(settings.heads_ramp, 1) - HEADS_ALONE_PART))
            if ramp > 0:
                heads.requires_grad_(False).eval()
                verdict = passing(self._judge(features))
                if self.steps % BALANCE_STEPS == 0 or self.balance.ratio is None:
                    self.balance.update(lpips, verdict, shown)
                weight = settings.heads_weight * ramp * settings.lpips_weight * self.balance.ratio
                loss = loss + weight * verdict
                self._record(verdict=verdict, heads_weight=torch.tensor(weight))
            made.append(features)
        loss.backward()
        self._further_losses(targets)
        if weight > 0 and settings.edit_steps and self.steps % settings.edit_steps == 0:
            features = self._edited_features(photos, stylemaps.detach())
            verdict = passing(self._judge(features))
            (settings.edit_weight * weight * verdict).backward()
            self._record(edit_verdict=verdict)
            made.append(features)
        self._step_optimizers()
        if made:
            self._heads_step(photo_features, made)

    def _further_losses(self, targets: Tensor) -> None:  # noqa: ARG002 (for subclasses)
        """Adds the gradients of what else is learned, if anything."""

    def _judge(self, features: list[Tensor]) -> list[Tensor]:
        with self._autocast():
            return self.networks.heads(features)

    def _step_optimizers(self) -> None:
        self.optimizers["generator"].step()
        self.optimizers["encoder"].step()

    def _further_values(self, measured: dict[str, Tensor]) -> dict[str, Any]:  # noqa: ARG002 (for subclasses)
        """What else a report says."""
        return {}

    def _edited_features(self, photos: Tensor, stylemaps: Tensor) -> list[Tensor]:
        """Of half of the batch, edited: the features of LPIPS."""
        count, random = max(1, len(photos) // 2), self.random
        photos, stylemaps, references = photos[:count], stylemaps[:count], photos.roll(1, 0)[:count]
        with torch.no_grad(), self._autocast():
            references = self.networks.encoder(self._references(photos, references))
        halfway, masks = self._edits(count, photos.shape[-1])
        pictures = self.edit(stylemaps, references, halfway, masks)
        places = crop_places(count, pictures.shape[-1], self.view, random)
        return self.features(views(pictures, places, self.view))

    def _references(self, photos: Tensor, references: Tensor) -> Tensor:
        """The references of edits, some of them with the colours of the photos that they are painted on."""
        is_matched = (torch.rand((len(photos), 1, 1, 1), generator=self.random) < MATCHED_PART).to(self.device)
        matched = torch.where(is_matched, match_colours(references, photos), references)
        return matched.contiguous(memory_format=self.settings.layout)

    def _edits(self, count: int, size: int) -> tuple[Tensor, Tensor]:
        """What is done to `count` faces: (how far on the way to its reference each of them is, its mask); one of the two is 0."""
        is_halfway = (torch.rand((count, 1, 1, 1), generator=self.random) < HALFWAY_PART).float()
        halfway = is_halfway * torch.rand((count, 1, 1, 1), generator=self.random)
        masks = (1 - is_halfway) * random_masks(count, size, self.random)
        return halfway.to(self.device), masks.to(self.device)

    def _heads_step(self, photos: list[Tensor], made: list[list[Tensor]]) -> None:
        """The heads learn to tell the features of photos from those of what was made: reconstructions and, at half the weight, edits."""
        heads = self.networks.heads
        heads.requires_grad_(True).train()
        self.optimizers["heads"].zero_grad(set_to_none=True)
        real = self._judge([x.detach() for x in photos])
        loss = torch.zeros((), device=self.device)
        for features, part in zip(made, (1.0, 0.5), strict=False):
            loss = loss + part * hinge(real, self._judge([x.detach() for x in features]))
        loss.backward()
        self.optimizers["heads"].step()
        self._record(heads=loss)

    def _published_step(self, images: Tensor) -> None:
        """All the published losses."""
        self._adversarial_steps(images)
        self._clear()
        result, pixel, lpips = self.published_losses(images)
        with self._autocast():
            domain = looks_real(self.networks.discriminator(result))
        settings = self.settings
        loss = settings.pixel_weight * pixel + settings.lpips_weight * lpips + settings.adversarial_weight * domain
        loss.backward()
        self.optimizers["generator"].step()
        self.optimizers["encoder"].step()
        self._record(pixel=pixel, lpips=lpips, domain=domain)

    def _latents(self) -> Tensor:
        shape = (self.settings.batch, self.networks.config.style_dim)
        return torch.randn(shape, generator=self.random).to(self.device, non_blocking=True)

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
    def report(self, measured: dict[str, Tensor], elapsed_s: float, images_this_run: int, rate: float) -> dict[str, Any]:
        """Saves a checkpoint and a sheet, measures the average, writes a line of metrics."""
        settings, networks = self.settings, self.networks
        generator, encoder, size = networks.generator_average, networks.encoder_average, networks.config.size
        checkpoints.save_atomically(self.state(), settings.out / "last.pt")
        values: dict[str, Any] = {}
        with self._autocast():
            for name, faces in measured.items():
                mse = lpips = 0.0
                for pixels in faces.split(SHEET_FACES):
                    images = to_images(pixels, self.device)
                    result = generator(encoder(images)).float().clamp(-1, 1)
                    mse += F.mse_loss(result, images).item() * len(images)
                    if self.lpips is not None:
                        lpips += float(self.lpips(result, images).sum())
                values[f"{name}_mse"] = round(mse / len(faces), 5)
                values[f"{name}_lpips"] = round(lpips / len(faces), 4) if self.lpips is not None else None
            values |= self._further_values(measured)
            images = to_images(measured["held_out"][:SHEET_FACES], self.device)
            stylemaps = encoder(images)
            codes = generator.decoder.style_codes(stylemaps)
            mask = torch.maximum(rectangle_mask("eyes", size), rectangle_mask("mouth", size)).to(self.device)
            rows = [images, generator(stylemaps), generator((stylemaps + stylemaps.roll(1, 0)) / 2)]
            rows.append(generator.decoder.from_codes(mix_codes(codes, [code.roll(1, 0) for code in codes], mask)))
            if self.adversarial:
                shape = (len(images), networks.config.style_dim)
                latents = torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(self.device)
                rows.append(generator(generator.map(latents)))
        save_sheet(settings.out / f"sheet_{self.shared.images // 1000:06}.png", rows)
        return self._write_line(elapsed_s, images_this_run, rate, values)


def train(settings: Settings, trainer: type[Trainer] = Trainer, fine_encoder: FineEncoderConfig | None = None) -> None:
    """A whole run. With `fine_encoder`, the widths of a new one, the fine encoder is trained too."""
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
    # A fine encoder fits the networks as they were: unless it learns with them it is made anew when they are done.
    if fine_encoder is not None and resumed is not None:
        fine_encoder = Config.from_dict(resumed["config"]).fine_encoder or fine_encoder
    config = dataclasses.replace(config, fine_encoder=fine_encoder)
    if settings.phase in JUDGED_PHASES and settings.lpips is None:
        raise SystemExit("the heads judge by the features of LPIPS: say where its network is with --lpips")
    networks = Networks.new(config, settings.phase)
    if resumed is not None:
        networks.restore(resumed)
    run(trainer, settings, networks, resumed, resumed["images_seen"] if resumed else 0, started)


def add_arguments(parser: argparse.ArgumentParser, default: Settings) -> None:
    """The options of runs that train generator and encoder."""
    add = parser.add_argument
    add_run_arguments(parser, default)
    add("--config", type=Path, help="a JSON file of widths instead of the default ones")
    add("--size", type=int, default=default.size, help="pixels; a larger size than the resumed checkpoint's grows it")
    add("--resume", type=Path, help="a checkpoint, whole or carried, or a model file")
    add("--lpips", type=Path, help="the LPIPS-VGG16 network as safetensors; without it the loss is of pixels only")
    add("--optimizer", choices=["muon", "adam"], default=default.optimizer, help="of the first two phases")
    add("--rate", type=float, default=default.rate, help="Muon's learning rate")
    add("--adam-rate", type=float, default=default.adam_rate, help="Adam's in the first two phases")
    add("--discriminator-rate", type=float, default=default.discriminator_rate, help="all rates in the adversarial phase")
    add("--momentum", type=float, help="of the first two phases: 0.9, with heads 0.7")
    add("--pixel-weight", type=float, default=default.pixel_weight)
    add("--lpips-weight", type=float, default=default.lpips_weight)
    add(
        "--adversarial-weight",
        type=float,
        default=default.adversarial_weight,
        help="of the generator's and the domain-guided loss",
    )
    add("--r1-weight", type=float, default=default.r1_weight)
    add("--heads-weight", type=float, default=default.heads_weight, help="of what the heads say, in units of LPIPS")
    add("--heads-rate", type=float, default=default.heads_rate, help="their learning rate")
    add("--heads-wait", type=int, default=default.heads_wait, help="images after growing until the heads begin")
    add("--heads-ramp", type=int, default=default.heads_ramp, help="images over which their weight rises")
    add("--edit-steps", type=int, default=default.edit_steps, help="every how many steps edits are judged too; 0 leaves them out")
    add("--edit-weight", type=float, default=default.edit_weight, help="of what the heads say of edits")
    add("--average-half-life", type=float, help="of the weights' average, in images: 500, in the adversarial phase 10,000")


def parse_settings(arguments: list[str] | None = None) -> Settings:
    """Settings from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, Settings([], Path()))
    parser.add_argument("--phase", choices=["autoencoder", "heads", "adversarial"], default=Settings.phase)
    return Settings(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # a thread that spins takes time from others on a shared machine
    train(parse_settings())
