"""Trains generator, encoder and fine encoder of a model together, with the heads as judges: the last phase, on a model that has all three.

What train.py's phase `heads` does, and
- the losses of train_fine.py. They move the fine encoder and what the generator does at its two finest levels; the coarse levels and the encoder,
  where meaning lives, learn from the reconstruction without residuals alone.
- The heads judge faces with their residuals: local edits that are settled, faces halfway to another one, and faces moved in a direction (the difference
  of two others) that keep their residuals. What the fine encoder has to learn beyond reconstruction is that borders close and halfway is a face.

OUT receives what train.py writes, and `fine_THOUSANDS.png`, the sheet of train_fine.py. `fine_*` in the metrics are what train_fine.py calls the same.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import checkpoint as checkpoints
from edits import random_masks
from fine_encoder import FINE_CODES, add_residuals, mix_codes, refine, residual_share, settle
from heads import crop_places, views
from networks import FineEncoderConfig
from optimizers import make_optimizer
from sheet_images import save_sheet
from train import HALFWAY_PART, Networks, Trainer, add_arguments, train
from train import Settings as TrainSettings
from train_fine import Settings as FineSettings
from train_fine import fine_losses, measure
from training import Shared

MOVE_PART = 0.5
"""Of the faces that are no local edits: how many are moved in a direction instead of halfway to another face."""
GREATEST_MOVE = 0.5
"""How far in a direction, in parts of the difference of two faces."""


@dataclasses.dataclass
class Settings(TrainSettings):
    """What a run is told; see `--help` for each."""

    phase: str = "joint"
    rate: float = 0.003
    fine_rate: float = 1e-4
    gradient_norm: float = FineSettings.gradient_norm
    fine_weight: float = 1.0
    settle_weight: float = FineSettings.settle_weight
    border_weight: float = FineSettings.border_weight


class JointTrainer(Trainer):
    """One process's training of all three networks."""

    settings: Settings

    def __init__(self, settings: Settings, networks: Networks, shared: Shared, rank: int = 0) -> None:
        super().__init__(settings, networks, shared, rank)
        self.optimizers["fine_encoder"] = make_optimizer([networks.fine_encoder], "adam", 0.0, settings.fine_rate, (0.9, 0.99))
        pieces = (self._fine_losses, self._settled, self._moved)
        if settings.compile:
            pieces = [torch.compile(piece, dynamic=False) for piece in pieces]
        self.fine_losses, self.settled, self.moved = pieces

    def state(self) -> dict[str, Any]:
        """Everything that a run needs to go on (see checkpoint.py)."""
        seen = self.networks.fine_images_seen + self.shared.images - self.shared.first_images
        return super().state() | {"fine_images_seen": seen}

    def _fine_losses(self, photos: Tensor, masks: Tensor) -> dict[str, Any]:
        networks = self.networks
        with self._autocast():
            return fine_losses(networks.generator.decoder, networks.encoder, networks.fine_encoder, photos, masks, self.settings)

    def _further_losses(self, targets: Tensor) -> None:
        """Adds the gradients of the fine encoder's losses."""
        masks = random_masks(len(targets), targets.shape[-1], self.random).to(self.device)
        result = self.fine_losses(targets, masks)
        (self.settings.fine_weight * result["loss"]).backward()
        self._record(**{name: result[name] for name in ("reconstruction", "settling", "border") if name in result})

    def _step_optimizers(self) -> None:
        super()._step_optimizers()
        norm = nn.utils.clip_grad_norm_(self.networks.fine_encoder.parameters(), self.settings.gradient_norm)
        self.optimizers["fine_encoder"].step()
        self._record(gradient_norm=norm)

    def _refined(self, photos: Tensor, stylemaps: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """(pictures, style codes, residuals) of faces; taken as given."""
        decoder, fine_encoder = self.networks.generator.decoder, self.networks.fine_encoder
        with torch.no_grad():
            codes = decoder.style_codes(stylemaps)
            pictures, refined = refine(decoder, fine_encoder, photos, codes, fine_encoder.passes)
            pairs = zip(refined[-FINE_CODES:], codes[-FINE_CODES:], strict=True)
            return pictures[-1], refined, [after - before for after, before in pairs]

    def _settled(self, photos: Tensor, references: Tensor, stylemaps: tuple[Tensor, Tensor], masks: Tensor) -> Tensor:
        """Local edits of faces with their residuals: pictures."""
        with self._autocast():
            decoder = self.networks.generator.decoder
            own, codes, _ = self._refined(photos, stylemaps[0])
            other, other_codes, _ = self._refined(references, stylemaps[1])
            mixed = mix_codes(codes, other_codes, masks)
            mix = settle(decoder, self.networks.fine_encoder, [own, other], [1 - masks, masks], mixed)
            return mix.after.float()

    def _moved(
        self, photos: Tensor, references: Tensor, stylemaps: tuple[Tensor, Tensor], part: Tensor, direction_part: Tensor
    ) -> Tensor:
        """Faces with their residuals, `part` of the way to others and `direction_part` of the way that leads from one of these to the next: pictures."""
        with self._autocast():
            decoder = self.networks.generator.decoder
            own, other = stylemaps
            _, _, residuals = self._refined(photos, own)
            _, _, other_residuals = self._refined(references, other)
            codes = decoder.style_codes(own + part * (other - own) + direction_part * (other - other.roll(1, 0)))
            pairs = zip(residuals, other_residuals, strict=True)
            kept = [residual_share(part) * a + residual_share(1 - part) * b for a, b in pairs]
            return decoder.from_codes(add_residuals(codes, kept)).float()

    def _edited_features(self, photos: Tensor, stylemaps: Tensor) -> list[Tensor]:
        """Of half of the batch, edited or moved: the features of LPIPS."""
        count, random = max(1, len(photos) // 2), self.random
        photos, stylemaps, references = photos[:count], stylemaps[:count], photos.roll(1, 0)[:count]
        references = self._references(photos, references)
        with torch.no_grad(), self._autocast():
            both = stylemaps, self.networks.encoder(references)
        if torch.rand((), generator=random) < HALFWAY_PART:
            is_move = (torch.rand((count, 1, 1, 1), generator=random) < MOVE_PART).float()
            part, move = (torch.rand((count, 1, 1, 1), generator=random) for _ in range(2))
            part, move = (1 - is_move) * part, is_move * (2 * move - 1) * GREATEST_MOVE
            pictures = self.moved(photos, references, both, part.to(self.device), move.to(self.device))
        else:
            masks = random_masks(count, photos.shape[-1], random).to(self.device)
            pictures = self.settled(photos, references, both, masks)
        places = crop_places(count, pictures.shape[-1], self.view, random)
        return self.features(views(pictures, places, self.view))

    def _further_values(self, measured: dict[str, Tensor]) -> dict[str, Any]:
        """What train_fine.py measures; its sheet as well."""
        networks = self.networks
        decoder, encoder, fine_encoder = (average for _, average in networks.averaged())

        def losses(photos: Tensor, masks: Tensor) -> dict[str, Any]:
            return fine_losses(decoder.decoder, encoder, fine_encoder, photos, masks, self.settings)

        values: dict[str, Any] = {}
        for name, faces in measured.items():
            of_these, rows = measure(losses, faces, self.lpips, self.device)
            values |= {f"{name}_fine_{value_name}": round(value, 6) for value_name, value in of_these.items()}
            if name == "held_out":
                save_sheet(self.settings.out / f"fine_{self.shared.images // 1000:06}.png", [row.float() for row in rows])
        return values


def parse_settings(arguments: list[str] | None = None) -> Settings:
    """Settings from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Settings([], Path())
    add_arguments(parser, default)
    add = parser.add_argument
    add("--fine-rate", type=float, default=default.fine_rate, help="the fine encoder's learning rate (Adam)")
    add(
        "--gradient-norm",
        type=float,
        default=default.gradient_norm,
        help="the fine encoder's longer gradients are shortened to it",
    )
    add("--fine-weight", type=float, default=default.fine_weight, help="of the losses of train_fine.py")
    add("--settle-weight", type=float, default=default.settle_weight, help="in these, of settling mixes")
    add("--border-weight", type=float, default=default.border_weight, help="in settling, of the gradients where nothing is known")
    return Settings(**vars(parser.parse_args(arguments)))


def train_jointly(settings: Settings) -> None:
    """A whole run."""
    if settings.resume is None:
        raise SystemExit("this phase goes on from a model: say which with --resume")
    size = checkpoints.load(settings.resume)["config"]["size"]
    if size != settings.size:
        raise SystemExit(f"the model has {size} px: in this phase nothing grows; say --size {size}")
    train(settings, JointTrainer, FineEncoderConfig())


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # a thread that spins takes time from others on a shared machine
    train_jointly(parse_settings())
