"""Trains the fine encoder of a model (fine_encoder.py); its generator and encoder stay as they are.

Two things are learned:
- reconstruction: after every pass the picture should be the photo (the pass before the last at half weight);
- settling, with `--settle-weight`: two faces are mixed by soft masks, as a brush does, and one more pass (`fine_encoder.settle`) should bring the
  picture to each face's own as far as that face alone is shown. Where both are mixed nothing is known, and the picture should keep its own
  gradients, so that nothing tears.

The loss is of pixels alone: 2 * L1 at four scales + 4 * MSE. (With LPIPS in it, LPIPS itself came out worse.)
Limits, schedule, workers and resuming are those of training.py.

OUT receives `last.pt` (the checkpoint, replaced atomically), `best.pt` (that of the report with the lowest `held_out_loss`), `metrics.jsonl` (one
JSON object a report) and `sheet_HUNDREDS.png`: photos, encoder alone, after the last pass, each with a part of its neighbour, the same settled.

`held_out_*` are of the average, on images kept aside: `loss` the training loss, on masks drawn once; `mse` and `lpips` the picture after the last pass
against the photo; `settled_mse` the settled picture against the target of settling where that is known, `mixed_mse` the same before settling.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import checkpoint as checkpoints
from data import to_images
from edits import random_masks
from fine_encoder import FineEncoder, mix_codes, refine, settle
from losses import multi_scale_l1
from networks import Config, Decoder, Encoder, FineEncoderConfig, Generator
from optimizers import make_optimizer
from perceptual import Lpips
from sheet_images import save_sheet
from training import BaseTrainer, Faces, RunSettings, Shared, add_run_arguments, prepare_device, run

L1_WEIGHT, MSE_WEIGHT = 2.0, 4.0
EARLIER_PASS_WEIGHT = 0.5
SHEET_FACES = 8
MASK_SEED = 1
"""Of the masks of held-out images."""


@dataclasses.dataclass
class Settings(RunSettings):
    """What a run is told; see `--help` for each."""

    phase: str = "fine"
    rate: float = 3e-4
    gradient_norm: float = 0.1
    """Adam does not mind how long gradients are in all, so this is short: a rare long one must not outweigh hundreds of others."""
    settle_weight: float = 0.5
    border_weight: float = 0.5
    top_width: int = FineEncoderConfig.top_width
    mid_width: int = FineEncoderConfig.mid_width
    passes: int = FineEncoderConfig.passes


@dataclasses.dataclass
class Networks:
    """The fine encoder, its average, and the two that stay as they are."""

    config: Config
    fine_encoder: FineEncoder
    fine_encoder_average: FineEncoder
    generator_average: Generator
    encoder_average: Encoder
    said: dict[str, Any]
    """What the checkpoint or model says about generator and encoder."""

    @classmethod
    def of(cls, saved: dict[str, Any], widths: FineEncoderConfig) -> Networks:
        """The networks of a checkpoint or model; if it has no fine encoder, an untrained one of `widths`."""
        config = Config.from_dict(saved["config"])
        if config.fine_encoder is None:
            config = dataclasses.replace(config, fine_encoder=widths)
        fine_encoder = FineEncoder(config, config.fine_encoder)
        average = copy.deepcopy(fine_encoder)
        said = {name: saved[name] for name in ("images_seen", "mapping") if name in saved}
        networks = cls(config, fine_encoder, average, Generator(config), Encoder(config), said)
        for name, network in networks.named().items():
            if name in saved:
                network.load_state_dict(saved[name])
            elif network is average:
                average.load_state_dict(fine_encoder.state_dict())
            if network is not fine_encoder:
                network.eval().requires_grad_(False)
        return networks

    def named(self) -> dict[str, nn.Module]:
        """All networks by their names in checkpoints."""
        fields = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: value for name, value in fields if isinstance(value, nn.Module)}

    def averaged(self) -> list[tuple[nn.Module, nn.Module]]:
        """The fine encoder and its average."""
        return [(self.fine_encoder, self.fine_encoder_average)]


def difference(picture: Tensor, target: Tensor) -> Tensor:
    """The loss between pictures (N, 3, size, size), in f32."""
    return L1_WEIGHT * multi_scale_l1(picture, target) + MSE_WEIGHT * F.mse_loss(picture, target)


def gradient_difference(picture: Tensor, other: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference of two pictures' gradients, each times the greater `weight` (N, 1, size, size) of its two pixels."""
    change = picture - other
    across = (change.diff(dim=3).abs() * torch.maximum(weight[..., 1:], weight[..., :-1])).mean()
    down = (change.diff(dim=2).abs() * torch.maximum(weight[..., 1:, :], weight[..., :-1, :])).mean()
    return (across + down) / 2


class SettlingWeights(Protocol):
    """What `fine_losses` wants to know of a run's settings."""

    settle_weight: float
    border_weight: float


def fine_losses(
    decoder: Decoder, encoder: Encoder, fine_encoder: FineEncoder, photos: Tensor, masks: Tensor, weights: SettlingWeights
) -> dict[str, Any]:
    """Losses and pictures of a batch; every face is mixed with its neighbour by its mask (N, 1, size, size).

    Gradients reach the fine encoder and what the decoder does at the two finest levels; the style codes are taken as given.
    """
    with torch.no_grad():
        codes = decoder.style_codes(encoder(photos))
    pictures, codes = refine(decoder, fine_encoder, photos, codes, fine_encoder.passes)
    pictures = [picture.float() for picture in pictures]
    *earlier, last = [difference(picture, photos) for picture in pictures[1:]]
    loss = reconstruction = last + EARLIER_PASS_WEIGHT * sum(earlier)
    result = {"pictures": pictures, "reconstruction": reconstruction}
    if weights.settle_weight > 0:
        # What is mixed is taken as given: this loss is about the pass that follows.
        own_codes, own = [code.detach() for code in codes], pictures[-1].detach()
        mixed_codes = mix_codes(own_codes, [code.roll(1, 0) for code in own_codes], masks)
        mix = settle(decoder, fine_encoder, [own, own.roll(1, 0)], [1 - masks, masks], mixed_codes)
        after = mix.after.float()
        settling = difference(after * mix.known, mix.target.float() * mix.known)
        border = gradient_difference(after, mix.before.float(), 1 - mix.known)
        loss = loss + weights.settle_weight * (settling + weights.border_weight * border)
        result |= {"settling": settling, "border": border, "mix": mix}
    return result | {"loss": loss}


def measure(
    losses: Callable[[Tensor, Tensor], dict[str, Any]], faces: Tensor, lpips: Lpips | None, device: torch.device
) -> tuple[dict[str, float], list[Tensor]]:
    """(means over the bytes `faces`, the rows of a sheet of the first ones). `losses` are `fine_losses` of photos and masks."""
    random = torch.Generator().manual_seed(MASK_SEED)
    sums: dict[str, float] = {}
    rows: list[Tensor] = []
    for pixels in faces.split(SHEET_FACES):
        photos = to_images(pixels, device)
        masks = random_masks(len(photos), photos.shape[-1], random).to(device)
        result = losses(photos, masks)
        measured = {"loss": float(result["loss"])}
        last = result["pictures"][-1].clamp(-1, 1)
        measured["mse"] = F.mse_loss(last, photos).item()
        if lpips is not None:
            measured["lpips"] = float(lpips(last, photos).mean())
        if mix := result.get("mix"):
            for name, picture in (("mixed", mix.before), ("settled", mix.after)):
                error = (mix.known * (picture.float() - mix.target)).pow(2).mean() / mix.known.pow(2).mean()
                measured[f"{name}_mse"] = error.item()
        for name, value in measured.items():
            sums[name] = sums.get(name, 0.0) + value * len(photos) / len(faces)
        if not rows:
            rows = [photos, result["pictures"][0], last, *([mix.before, mix.after] if mix else [])]
    return sums, rows


class Trainer(BaseTrainer):
    """One process's training of the fine encoder."""

    networks: Networks
    settings: Settings

    def __init__(self, settings: Settings, networks: Networks, shared: Shared, rank: int = 0) -> None:
        super().__init__(settings, networks, shared, rank)
        self.optimizers = {"fine_encoder": make_optimizer([networks.fine_encoder], "adam", 0.0, settings.rate, (0.9, 0.99))}
        self.best_loss = float("inf")
        self.losses = self._losses
        if settings.compile:
            self.losses = torch.compile(self._losses, dynamic=False)

    def state(self) -> dict[str, Any]:
        """Everything that a run needs to go on (see checkpoint.py)."""
        saved = super().state()
        return saved | {"fine_images_seen": self.shared.images, "best_loss": self.best_loss} | self.networks.said

    def restore(self, saved: dict[str, Any]) -> None:
        """Optimiser, random numbers and the best loss so far."""
        super().restore(saved)
        if self.steps:
            self.best_loss = saved["best_loss"]

    def _losses(self, fine_encoder: FineEncoder, photos: Tensor, masks: Tensor) -> dict[str, Any]:
        """`fine_losses` with the two networks that stay as they are."""
        networks = self.networks
        with self._autocast():
            return fine_losses(
                networks.generator_average.decoder, networks.encoder_average, fine_encoder, photos, masks, self.settings
            )

    def step(self, faces: Faces, rate: float) -> None:
        """One step on a batch of `faces`, with the learning rate times `rate`."""
        self._set_rate(rate)
        fine_encoder = self.networks.fine_encoder
        # A fine encoder gives back what it sees, so blur and JPEG, which the other encoder looks through, are left out.
        _, photos = self._batch(faces)
        masks = random_masks(self.settings.batch, self.networks.config.size, self.random).to(self.device)
        self._clear()
        result = self.losses(fine_encoder, photos, masks)
        result["loss"].backward()
        norm = nn.utils.clip_grad_norm_(fine_encoder.parameters(), self.settings.gradient_norm)
        self.optimizers["fine_encoder"].step()
        self._record(
            gradient_norm=norm, **{name: result[name] for name in ("reconstruction", "settling", "border") if name in result}
        )
        self._count_step()

    @torch.no_grad()
    def report(self, measured: dict[str, Tensor], elapsed_s: float, images_this_run: int, rate: float) -> dict[str, Any]:
        """Measures the average, saves checkpoints and a sheet, writes a line of metrics."""

        def losses(photos: Tensor, masks: Tensor) -> dict[str, Any]:
            return self._losses(self.networks.fine_encoder_average, photos, masks)

        values: dict[str, Any] = {}
        rows: list[Tensor] = []
        for name, pixels in measured.items():
            with self._autocast():
                of_these, first_rows = measure(losses, pixels, self.lpips, self.device)
            values |= {f"{name}_{value_name}": round(value, 6) for value_name, value in of_these.items()}
            rows = rows or first_rows
        save_sheet(self.settings.out / f"sheet_{self.shared.images // 100:06}.png", rows)
        is_best = values["held_out_loss"] < self.best_loss
        self.best_loss = min(self.best_loss, values["held_out_loss"])
        state = self.state()
        checkpoints.save_atomically(state, self.settings.out / "last.pt")
        if is_best:
            checkpoints.save_atomically(state, self.settings.out / "best.pt")
        return self._write_line(elapsed_s, images_this_run, rate, {**values, "is_best": is_best})


def train(settings: Settings) -> None:
    """A whole run."""
    started = time.time()
    settings.out.mkdir(parents=True, exist_ok=True)
    settings = prepare_device(settings)
    torch.manual_seed(settings.seed)
    resumed = checkpoints.load(settings.resume)
    widths = FineEncoderConfig(settings.top_width, settings.mid_width, settings.passes)
    networks = Networks.of(resumed, widths)
    print(f"fine encoder: {sum(parameter.numel() for parameter in networks.fine_encoder.parameters())} parameters", flush=True)
    run(Trainer, settings, networks, resumed, int(resumed.get("fine_images_seen", 0)), started)


def parse_settings(arguments: list[str] | None = None) -> Settings:
    """Settings from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add, default = parser.add_argument, Settings([], Path())
    add_run_arguments(parser, default)
    add("--resume", type=Path, required=True, help="the model whose fine encoder is trained, with one or without; or OUT/last.pt")
    add("--lpips", type=Path, help="the LPIPS-VGG16 network as safetensors, to measure with")
    add("--rate", type=float, default=default.rate, help="Adam's learning rate")
    add("--gradient-norm", type=float, default=default.gradient_norm, help="longer gradients are shortened to it")
    add("--average-half-life", type=float, help="of the weights' average, in images: 500")
    add("--settle-weight", type=float, default=default.settle_weight, help="of settling mixes; 0 leaves it out")
    add("--border-weight", type=float, default=default.border_weight, help="in settling, of the gradients where nothing is known")
    add("--top-width", type=int, default=default.top_width, help="of a new fine encoder")
    add("--mid-width", type=int, default=default.mid_width, help="of a new fine encoder")
    add("--passes", type=int, default=default.passes, help="of a new fine encoder")
    return Settings(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # a thread that spins takes time from others on a shared machine
    train(parse_settings())
