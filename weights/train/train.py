"""Trains a model. Two phases:

- `autoencoder`: encoder and generator learn to reconstruct photos (L1 at several scales, LPIPS). Cheap: all that a CPU can afford.
- `adversarial`: the published losses. Non-saturating adversarial loss with R1 every 16 steps, the domain-guided loss of the encoder
  (reconstructions must look real), reconstruction of the latent stylemap, MSE and LPIPS. For a GPU.

A run ends at its time limit or image limit, whichever comes first, and over its last part the learning rate falls to 5%; where one
training takes several calls, `--of-minutes` says how long it is altogether. It can be killed at any moment: `--resume OUT/last.pt` goes on
with optimisers, schedule and random numbers as they were at the last save.

On a CPU `--workers N` trains with N processes of one thread each on the same weights in shared memory, without locks (Hogwild): no
thread ever waits for another, so a core that others keep busy costs only its own share. With one worker runs repeat exactly.

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
from torch import Tensor, multiprocessing, nn
from torch.nn import functional as F

import checkpoint as checkpoints
from data import hold_out, load_pixels, random_batch, to_images
from losses import gradient_penalty, looks_made, looks_real, multi_scale_l1
from networks import Config, Discriminator, Encoder, Generator
from optimizers import MuonAdam, make_optimizer
from perceptual import Lpips
from sheet_images import save_sheet

R1_INTERVAL_STEPS = 16
FINAL_RATE = 0.05
"""What the learning rate falls to, as a part of its full value."""
SHEET_FACES = 8
LAST_REPORT_S = 20.0
"""What is left of a long time limit for the last report."""
AVERAGE_HALF_LIFE = {"autoencoder": 500.0, "adversarial": 10_000.0}
"""In images. The adversarial phase's weights wander around their place, and only a long average finds it."""


@dataclasses.dataclass
class Settings:
    """What a run is told; see `--help` for each."""

    data: list[Path]
    out: Path
    phase: str = "autoencoder"
    config: Path | None = None
    size: int = 128
    batch: int = 4
    minutes: float = 60.0
    of_minutes: float | None = None
    until: float | None = None
    images: int | None = None
    resume: Path | None = None
    lpips: Path | None = None
    cache: Path | None = None
    device: str = "cpu"
    workers: int = 1
    threads: int = 1
    optimizer: str = "muon"
    rate: float = 0.01
    adam_rate: float = 0.005
    discriminator_rate: float = 0.002
    momentum: float = 0.9
    warmup_steps: int = 50
    decay: float = 0.35
    pixel_weight: float = 2.0
    lpips_weight: float = 1.0
    adversarial_weight: float = 1.0
    r1_weight: float = 10.0
    average_half_life: float | None = None
    report_minutes: float = 5.0
    report_images: int | None = None
    seed: int = 0
    compile: bool = False
    mixed_precision: bool = True

    @property
    def is_on_cpu(self) -> bool:
        return torch.device(self.device).type == "cpu"

    def ends(self, started: float) -> float:
        """The time by which the last step must be done."""
        end = self.until if self.until is not None else started + self.minutes * 60
        return end - min(LAST_REPORT_S, 0.05 * (end - started))


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


class Trainer:
    """One process's training: batches, steps, the average, reports."""

    def __init__(self, settings: Settings, networks: Networks, shared: Shared, rank: int = 0) -> None:
        self.settings, self.networks, self.shared, self.rank = settings, networks, shared, rank
        self.device = torch.device(settings.device)
        self.adversarial = settings.phase == "adversarial"
        self.lpips = Lpips(settings.lpips).to(self.device) if settings.lpips else None
        betas = (0.0, 0.99) if self.adversarial else (settings.momentum, 0.99)
        g, e, d = networks.generator, networks.encoder, networks.discriminator
        # The adversarial phase keeps three optimisers as published: a step on the encoder alone must not move the generator.
        kind = "adam" if self.adversarial else settings.optimizer
        adam_rate = settings.discriminator_rate if self.adversarial else settings.adam_rate
        self.optimizers: dict[str, MuonAdam] = {
            "generator": make_optimizer([g], kind, settings.rate, adam_rate, betas),
            "encoder": make_optimizer([e], kind, settings.rate, adam_rate, betas),
        }
        if d is not None:
            ratio = R1_INTERVAL_STEPS / (R1_INTERVAL_STEPS + 1)
            self.optimizers["discriminator"] = make_optimizer([d], "adam", 0.0, adam_rate * ratio, (0.0, 0.99**ratio))
        self.random = torch.Generator().manual_seed(settings.seed * 1000 + rank)
        torch.manual_seed(settings.seed * 1000 + rank)
        self.steps = 0
        self.images_averaged = shared.images
        self.half_life = settings.average_half_life or AVERAGE_HALF_LIFE[settings.phase]
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self.reconstruct_losses = self._reconstruct_losses
        if settings.compile:
            self.reconstruct_losses = torch.compile(self._reconstruct_losses, dynamic=False)

    # Checkpoints

    def state(self) -> dict[str, Any]:
        """Everything that a run needs to go on (see checkpoint.py)."""
        saved: dict[str, Any] = {name: network.state_dict() for name, network in self.networks.named().items()}
        saved["config"] = self.networks.config.to_dict()
        saved["images_seen"], saved["phase"] = self.shared.images, self.settings.phase
        saved["optimizers"] = {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()}
        saved["random"] = {"batches": self.random.get_state(), "torch": torch.get_rng_state()}
        saved["steps"], saved["schedule_s"] = self.steps, self.shared.schedule_s
        return saved

    def restore(self, saved: dict[str, Any]) -> None:
        """Optimisers and random numbers of a checkpoint of the same phase and size; the weights are restored before."""
        is_same = saved.get("phase") == self.settings.phase and saved["config"] == self.networks.config.to_dict()
        if not is_same or "optimizers" not in saved:
            return
        sizes = [len(group["params"]) for optimizer in self.optimizers.values() for group in optimizer.param_groups]
        theirs = [optimizer["param_groups"] for optimizer in saved["optimizers"].values()]
        if sizes != [len(group["params"]) for groups in theirs for group in groups]:
            print("the checkpoint is of another optimiser: it starts afresh", flush=True)
            return
        for name, optimizer in self.optimizers.items():
            own = [dict(group) for group in optimizer.param_groups]
            optimizer.load_state_dict(saved["optimizers"][name])
            for group, wanted in zip(optimizer.param_groups, own, strict=True):
                group["rate"], group["betas"] = wanted["rate"], wanted["betas"]  # the run's settings, not the checkpoint's
        self.steps = saved["steps"]
        if self.rank == 0:
            self.random.set_state(saved["random"]["batches"])
            torch.set_rng_state(saved["random"]["torch"])

    # Steps

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.mixed_precision)

    def _reconstruct_losses(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(reconstruction, pixel loss, LPIPS)."""
        with self._autocast():
            result = self.networks.generator(self.networks.encoder(images)).float()
            pixel = F.mse_loss(result, images) if self.adversarial else multi_scale_l1(result, images)
            lpips = self.lpips(result, images).mean() if self.lpips is not None else result.new_zeros(())
        return result, pixel, lpips

    def _clear(self) -> None:
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)

    def _record(self, **values: Tensor) -> None:
        # Read only for a report: reading waits for the device.
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value.detach()
            self.counts[name] = self.counts.get(name, 0) + 1

    def _latents(self) -> Tensor:
        shape = (self.settings.batch, self.networks.config.style_dim)
        return torch.randn(shape, generator=self.random).to(self.device, non_blocking=True)

    def step(self, pixels: Tensor, rate: float) -> None:
        """One step on a batch of `pixels`, with the learning rates times `rate`."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["rate"] * rate
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
        self.steps += 1
        self.shared.images += self.settings.batch
        if self.rank == 0:
            self._average()

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
    def _average(self) -> None:
        """Moves the average by the images seen since the last time; young averages follow faster."""
        images = self.shared.images
        keep = 0.5 ** ((images - self.images_averaged) / self.half_life)
        keep = min(keep, (self.steps + 1) / (self.steps + 10))
        self.images_averaged = images
        networks = self.networks
        for trained, average in (
            (networks.generator, networks.generator_average),
            (networks.encoder, networks.encoder_average),
        ):
            trained_values = [parameter.detach() for parameter in trained.parameters()]
            torch._foreach_lerp_(list(average.parameters()), trained_values, 1 - keep)

    # Reports

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
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S"),
            "images_seen": self.shared.images,
            "minutes": round(elapsed_s / 60, 2),
            "images_per_s": round(images_this_run / max(elapsed_s, 1e-9), 3),
            "cpu_s": round(time.process_time(), 1),
            "rate": round(rate, 4),
            "held_out_mse": round(mse / len(held_out), 5),
            "held_out_lpips": round(lpips / len(held_out), 4) if self.lpips is not None else None,
            "losses": {name: round(float(total) / self.counts[name], 5) for name, total in self.sums.items()},
        }
        self.sums, self.counts = {}, {}
        with (settings.out / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
        return line


class Shared:
    """Counters that all workers see."""

    def __init__(self, images: int, schedule_s: float) -> None:
        self._images = torch.tensor([images]).share_memory_()
        self.first_images = images
        self.first_schedule_s = schedule_s
        """How long the calls before took, of the training that this one is a part of."""
        self.schedule_s = schedule_s
        """The same with this one."""

    @property
    def images(self) -> int:
        """Images that the model has been trained on, over all its runs. Lost increments between workers do no harm."""
        return int(self._images[0])

    @images.setter
    def images(self, value: int) -> None:
        self._images[0] = value


def progress(settings: Settings, started: float, images_this_run: int) -> float:
    """How much of this run is over: 0 to 1, by whichever limit is nearer."""
    parts = [(time.time() - started) / max(settings.ends(started) - started, 1e-9)]
    if settings.images is not None:
        # An image limit alone makes the schedule, so that it does not depend on the machine.
        parts = [images_this_run / settings.images] + ([1.0] if parts[0] >= 1 else [])
    return min(max(parts), 1.0)


def rate_at(settings: Settings, part: float, steps_this_run: int) -> float:
    """The learning rate at a point of the run: up over the first steps, level, then down in a line."""
    warm = min(1.0, (steps_this_run + 1) / max(settings.warmup_steps, 1))
    down = (1 - part) / settings.decay if settings.decay > 0 else 1.0
    return warm * min(1.0, max(FINAL_RATE, down))


def run_worker(
    rank: int, settings: Settings, networks: Networks, shared: Shared, pixels: Tensor, held_out: Tensor, started: float
) -> None:
    """Trains until the run is over. Worker 0 also keeps the average and reports."""
    if settings.is_on_cpu:
        torch.set_num_threads(settings.threads)
    trainer = Trainer(settings, networks, shared, rank)
    if settings.resume:
        trainer.restore(checkpoints.load(settings.resume))
    first_step = trainer.steps
    reported, reported_images, rate = time.time(), shared.images, FINAL_RATE
    while (part := progress(settings, started, shared.images - shared.first_images)) < 1:
        # Optimisers that were restored are warm.
        shared.schedule_s = shared.first_schedule_s + time.time() - started
        if settings.of_minutes is not None:
            of_training = min(1.0, shared.schedule_s / (settings.of_minutes * 60))
            if of_training >= 1:
                break
        else:
            of_training = part
        rate = rate_at(settings, of_training, settings.warmup_steps if first_step else trainer.steps)
        trainer.step(pixels, rate)
        is_due = time.time() - reported > settings.report_minutes * 60
        if settings.report_images is not None:
            is_due = shared.images - reported_images >= settings.report_images
        if rank == 0 and is_due:
            trainer.report(held_out, time.time() - started, shared.images - shared.first_images, rate)
            reported, reported_images = time.time(), shared.images
    if rank == 0 and trainer.counts:
        trainer.report(held_out, time.time() - started, shared.images - shared.first_images, rate)


def prepare_device(settings: Settings) -> Settings:
    """Fast multiplications on a GPU, which takes one process; no more threads than wanted on a CPU."""
    if settings.is_on_cpu:
        torch.set_num_threads(settings.threads)
        return settings
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    return dataclasses.replace(settings, workers=1)


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
    networks = Networks.new(config, settings.phase == "adversarial")
    if resumed is not None:
        networks.restore(resumed)
    for network in networks.named().values():
        network.to(settings.device)
        if settings.is_on_cpu:
            network.share_memory()
    pixels, held_out = hold_out(load_pixels(settings.data, config.size, settings.cache), settings.seed)
    if not len(held_out):
        raise SystemExit("there are too few images: at least 20 are needed, so that some can be kept aside")
    pixels = pixels.share_memory_() if settings.is_on_cpu else pixels.to(settings.device)
    is_same_training = resumed is not None and resumed.get("phase") == settings.phase and resumed["config"] == config.to_dict()
    shared = Shared(resumed["images_seen"] if resumed else 0, resumed.get("schedule_s", 0.0) if is_same_training else 0.0)
    arguments = (settings, networks, shared, pixels, held_out, started)
    if settings.workers == 1:
        run_worker(0, *arguments)
        return
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=run_worker, args=(rank, *arguments)) for rank in range(settings.workers)]
    for worker in workers:
        worker.start()
    print("workers", *(worker.pid for worker in workers), flush=True)
    for worker in workers:
        worker.join()
    failed = [worker.exitcode for worker in workers if worker.exitcode]
    if failed:
        raise SystemExit(f"a worker failed with exit code {failed[0]}")


def parse_settings(arguments: list[str] | None = None) -> Settings:
    """Settings from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add, default = parser.add_argument, Settings([], Path())
    add("--data", type=Path, nargs="+", required=True, help="folders of aligned faces")
    add("--out", type=Path, required=True, help="folder for checkpoints, sheets, metrics")
    add("--phase", choices=["autoencoder", "adversarial"], default=default.phase)
    add("--config", type=Path, help="a JSON file of widths instead of the default ones")
    add("--size", type=int, default=default.size, help="pixels; a larger size than the resumed checkpoint's grows it")
    add("--batch", type=int, default=default.batch, help="images a step (of each worker)")
    add("--minutes", type=float, default=default.minutes, help="time limit of this run, from the start of the program")
    add("--of-minutes", type=float, help="how long the training takes of which this run is a part: the rate falls at its end")
    add("--until", type=clock_time, help="time of the day (HH:MM) when this run ends, instead of --minutes")
    add("--images", type=int, help="end after this many images; the schedule then follows images, not time")
    add("--resume", type=Path, help="a checkpoint, whole or carried, or a model file")
    add("--lpips", type=Path, help="the LPIPS-VGG16 network as safetensors; without it the loss is of pixels only")
    add("--cache", type=Path, help="folder for the images as one array")
    add("--device", default=default.device, help="cpu or cuda")
    add("--workers", type=int, default=default.workers, help="processes on a CPU")
    add("--threads", type=int, default=default.threads, help="threads of each process on a CPU")
    add("--optimizer", choices=["muon", "adam"], default=default.optimizer, help="of the autoencoder phase")
    add("--rate", type=float, default=default.rate, help="Muon's learning rate")
    add("--adam-rate", type=float, default=default.adam_rate, help="Adam's in the autoencoder phase")
    add("--discriminator-rate", type=float, default=default.discriminator_rate, help="all rates in the adversarial phase")
    add("--momentum", type=float, default=default.momentum)
    add("--warmup-steps", type=int, default=default.warmup_steps)
    add("--decay", type=float, default=default.decay, help="last part of the run over which the rate falls")
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
    add("--report-minutes", type=float, default=default.report_minutes, help="between checkpoints and sheets")
    add("--report-images", type=int, help="the same in images")
    add("--seed", type=int, default=default.seed)
    add("--compile", action="store_true", help="torch.compile the reconstruction step")
    add("--full-precision", dest="mixed_precision", action="store_false", help="f32 instead of bfloat16 where it is safe")
    return Settings(**vars(parser.parse_args(arguments)))


def clock_time(text: str) -> float:
    """Seconds of the next time that the clock shows HH:MM."""
    today = time.strftime("%Y-%m-%d ")
    seconds = time.mktime(time.strptime(today + text, "%Y-%m-%d %H:%M"))
    return seconds if seconds > time.time() else seconds + 24 * 3600


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # a thread that spins takes time from others on a shared machine
    train(parse_settings())
