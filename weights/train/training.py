"""What every training run has: limits and schedule, workers, the weights' average, exact resuming, metrics. train.py and train_fine.py say what is trained.

A run ends at its time limit or image limit, whichever comes first, and over its last part the learning rate falls to 5%; where one
training takes several calls, `--of-minutes` says how long it is altogether. It can be killed at any moment: `--resume OUT/last.pt` goes on
with optimisers, schedule and random numbers as they were at the last save.

On a CPU `--workers N` trains with N processes of one thread each on the same weights in shared memory, without locks (Hogwild): no
thread ever waits for another, so a core that others keep busy costs only its own share. With one worker runs repeat exactly.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, multiprocessing, nn

import checkpoint as checkpoints
from augment import augment
from data import hold_out, image_files, load_pixels, load_weights, random_batch
from networks import Config
from optimizers import MuonAdam
from perceptual import Lpips

FINAL_RATE = 0.05
"""What the learning rate falls to, as a part of its full value."""
LAST_REPORT_S = 20.0
"""What is left of a long time limit for the last report."""
TRAINED_IMAGES = 16
"""How many of the images that are trained on are measured too."""
OTHER_IMAGES = 32
"""The most images of other sources that are measured."""


@dataclasses.dataclass
class RunSettings:
    """What every run is told; see `--help` for each."""

    data: list[Path]
    out: Path
    phase: str = ""
    batch: int = 4
    minutes: float = 60.0
    of_minutes: float | None = None
    until: float | None = None
    images: int | None = None
    resume: Path | None = None
    lpips: Path | None = None
    cache: Path | None = None
    weights: Path | None = None
    others: list[Path] | None = None
    augmented: float = 0.0
    device: str = "cpu"
    workers: int = 1
    threads: int = 1
    warmup_steps: int = 50
    decay: float = 0.35
    average_half_life: float | None = None
    report_minutes: float = 5.0
    report_images: int | None = None
    save_minutes: float = 10.0
    seed: int = 0
    compile: bool = False
    mixed_precision: bool = True

    @property
    def is_on_cpu(self) -> bool:
        return torch.device(self.device).type == "cpu"

    @property
    def layout(self) -> torch.memory_format:
        """How images lie in memory while networks are trained: with the channels last, but in f32 on a CPU.

        There the gradients of convolutions' weights would take 2 to 5 times as long (oneDNN 3.13, AVX2).
        """
        return torch.contiguous_format if self.is_on_cpu and not self.mixed_precision else torch.channels_last

    def ends(self, started: float) -> float:
        """The time by which the last step must be done."""
        end = self.until if self.until is not None else started + self.minutes * 60
        return end - min(LAST_REPORT_S, 0.05 * (end - started))


class Trainable(Protocol):
    """What is trained, and the average that is evaluated and exported."""

    config: Config

    def named(self) -> dict[str, nn.Module]:
        """All networks by their names in checkpoints."""

    def averaged(self) -> list[tuple[nn.Module, nn.Module]]:
        """Pairs of a trained network and its average."""


@dataclasses.dataclass
class Faces:
    """The images of a run: bytes (N, size, size, 3)."""

    pixels: Tensor
    """Those that are trained on."""
    weights: Tensor | None
    """How often each of them is drawn, if not all alike."""
    measured: dict[str, Tensor]
    """Those that are measured in every report: `held_out`, of the same sources but never trained on; `trained`, some of those trained on; `others`, of
    other sources and never trained on, if there are any. What is lost from one to the next says whether more data or more training is missing."""


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


class BaseTrainer:
    """One process's training: what is the same whatever is trained.

    A subclass makes its `optimizers` (each group with its full `rate`) and says what a step and a report are.
    """

    default_half_life = 500.0
    """Of the weights' average, in images."""

    def __init__(self, settings: RunSettings, networks: Trainable, shared: Shared, rank: int = 0) -> None:
        self.settings, self.networks, self.shared, self.rank = settings, networks, shared, rank
        self.device = torch.device(settings.device)
        self.lpips = Lpips(settings.lpips).to(self.device) if settings.lpips else None
        self.random = torch.Generator().manual_seed(settings.seed * 1000 + rank)
        torch.manual_seed(settings.seed * 1000 + rank)
        self.optimizers: dict[str, MuonAdam] = {}
        self.steps = 0
        self.images_averaged = shared.images
        self.half_life = settings.average_half_life or self.default_half_life
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}

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

    def step(self, faces: Faces, rate: float) -> None:
        """One step on a batch of `faces`, with the learning rates times `rate`."""
        raise NotImplementedError

    def _batch(self, faces: Faces) -> tuple[Tensor, Tensor]:
        """(photos, what is to be reconstructed of them), (N, 3, size, size)."""
        settings = self.settings
        photos = random_batch(faces.pixels, settings.batch, self.device, self.random, faces.weights)
        targets = photos
        if settings.augmented > 0:
            photos, targets = augment(photos, settings.augmented, self.random)
        return photos.contiguous(memory_format=settings.layout), targets.contiguous(memory_format=settings.layout)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.mixed_precision)

    def _set_rate(self, rate: float) -> None:
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["rate"] * rate

    def _clear(self) -> None:
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)

    def _record(self, **values: Tensor) -> None:
        # Read only for a report: reading waits for the device.
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value.detach()
            self.counts[name] = self.counts.get(name, 0) + 1

    def _count_step(self) -> None:
        """What follows every step: counters and, in the first worker, the average."""
        self.steps += 1
        self.shared.images += self.settings.batch
        if self.rank == 0:
            self._average()

    @torch.no_grad()
    def _average(self) -> None:
        """Moves the average by the images seen since the last time; young averages follow faster."""
        images = self.shared.images
        keep = 0.5 ** ((images - self.images_averaged) / self.half_life)
        keep = min(keep, (self.steps + 1) / (self.steps + 10))
        self.images_averaged = images
        for trained, average in self.networks.averaged():
            trained_values = [parameter.detach() for parameter in trained.parameters()]
            torch._foreach_lerp_(list(average.parameters()), trained_values, 1 - keep)

    # Reports

    def report(self, measured: dict[str, Tensor], elapsed_s: float, images_this_run: int, rate: float) -> dict[str, Any]:
        """Saves checkpoints and a sheet, measures the average on the images of `Faces.measured`, writes a line of metrics and gives it back.

        `rate` is a part of the full rates.
        """
        raise NotImplementedError

    def _write_line(self, elapsed_s: float, images_this_run: int, rate: float, measured: dict[str, Any]) -> dict[str, Any]:
        """The line of a report: times and losses, and what was `measured`."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S"),
            "images_seen": self.shared.images,
            "minutes": round(elapsed_s / 60, 2),
            "images_per_s": round(images_this_run / max(elapsed_s, 1e-9), 3),
            "cpu_s": round(time.process_time(), 1),
            "rate": round(rate, 4),
            **measured,
            "losses": {name: round(float(total) / self.counts[name], 5) for name, total in self.sums.items()},
        }
        self.sums, self.counts = {}, {}
        with (self.settings.out / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
        return line


def progress(settings: RunSettings, started: float, images_this_run: int) -> float:
    """How much of this run is over: 0 to 1, by whichever limit is nearer."""
    parts = [(time.time() - started) / max(settings.ends(started) - started, 1e-9)]
    if settings.images is not None:
        # An image limit alone makes the schedule, so that it does not depend on the machine.
        parts = [images_this_run / settings.images] + ([1.0] if parts[0] >= 1 else [])
    return min(max(parts), 1.0)


def rate_at(settings: RunSettings, part: float, steps_this_run: int) -> float:
    """The learning rate at a point of the run: up over the first steps, level, then down in a line."""
    warm = min(1.0, (steps_this_run + 1) / max(settings.warmup_steps, 1))
    down = (1 - part) / settings.decay if settings.decay > 0 else 1.0
    return warm * min(1.0, max(FINAL_RATE, down))


def run_worker(
    rank: int,
    trainer_class: type[BaseTrainer],
    settings: RunSettings,
    networks: Trainable,
    shared: Shared,
    faces: Faces,
    started: float,
) -> None:
    """Trains until the run is over. Worker 0 also keeps the average and reports."""
    if settings.is_on_cpu:
        torch.set_num_threads(settings.threads)
    trainer = trainer_class(settings, networks, shared, rank)
    if settings.resume:
        trainer.restore(checkpoints.load(settings.resume))
    first_step = trainer.steps
    reported, reported_images, rate = time.time(), shared.images, FINAL_RATE
    saved_at = time.time()
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
        trainer.step(faces, rate)
        is_due = time.time() - reported > settings.report_minutes * 60
        if settings.report_images is not None:
            is_due = shared.images - reported_images >= settings.report_images
        if rank == 0 and is_due:
            trainer.report(faces.measured, time.time() - started, shared.images - shared.first_images, rate)
            reported, reported_images = time.time(), shared.images
            saved_at = time.time()
        elif rank == 0 and time.time() - saved_at > settings.save_minutes * 60:
            checkpoints.save_atomically(trainer.state(), settings.out / "last.pt")
            saved_at = time.time()
    if rank == 0 and trainer.counts:
        trainer.report(faces.measured, time.time() - started, shared.images - shared.first_images, rate)


def prepare_device(settings: RunSettings) -> RunSettings:
    """Fast multiplications on a GPU, which takes one process; no more threads than wanted on a CPU."""
    if settings.is_on_cpu:
        torch.set_num_threads(settings.threads)
        return settings
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    return dataclasses.replace(settings, workers=1)


def load_faces(settings: RunSettings, size: int) -> Faces:
    """The images of a run. Those held out are of the first folder, so that further folders change nothing about them."""
    pixels = load_pixels(settings.data, size, settings.cache)
    kept, held_out = hold_out(len(image_files(settings.data[0])), settings.seed)
    if not len(held_out):
        raise SystemExit("there are too few images: at least 20 are needed in the first folder, so that some can be kept aside")
    further = torch.arange(len(kept) + len(held_out), len(pixels))
    kept = torch.cat([kept, further])
    measured = {"held_out": pixels[held_out], "trained": pixels[kept[:TRAINED_IMAGES]]}
    if settings.others:
        others = load_pixels(settings.others, size, settings.cache)
        measured["others"] = others[torch.linspace(0, len(others) - 1, min(len(others), OTHER_IMAGES)).long()]
    weights = load_weights(settings.data, settings.weights)[kept] if settings.weights else None
    pixels = pixels[kept]
    pixels = pixels.share_memory_() if settings.is_on_cpu else pixels.to(settings.device)
    return Faces(pixels, weights, measured)


def run(
    trainer_class: type[BaseTrainer],
    settings: RunSettings,
    networks: Trainable,
    resumed: dict[str, Any] | None,
    images: int,
    started: float,
) -> None:
    """Trains `networks`, which have their weights, with all workers. `images` is what they were trained on before, `resumed` the checkpoint."""
    config = networks.config
    for network in networks.named().values():
        network.to(settings.device)
        if settings.is_on_cpu:
            network.share_memory()
    faces = load_faces(settings, config.size)
    is_same_training = resumed is not None and resumed.get("phase") == settings.phase and resumed["config"] == config.to_dict()
    shared = Shared(images, resumed.get("schedule_s", 0.0) if is_same_training else 0.0)
    arguments = (trainer_class, settings, networks, shared, faces, started)
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


def add_run_arguments(parser: argparse.ArgumentParser, default: RunSettings) -> None:
    """The options of every run."""
    add = parser.add_argument
    add("--data", type=Path, nargs="+", required=True, help="folders of aligned faces")
    add("--out", type=Path, required=True, help="folder for checkpoints, sheets, metrics")
    add("--batch", type=int, default=default.batch, help="images a step (of each worker)")
    add("--minutes", type=float, default=default.minutes, help="time limit of this run, from the start of the program")
    add("--of-minutes", type=float, help="how long the training takes of which this run is a part: the rate falls at its end")
    add("--until", type=clock_time, help="time of the day (HH:MM) when this run ends, instead of --minutes")
    add("--images", type=int, help="end after this many images; the schedule then follows images, not time")
    add("--cache", type=Path, help="folder for the images as one array")
    add("--weights", type=Path, help="CSV of how often each face is drawn (stratify.py); without it all are drawn alike")
    add("--others", type=Path, nargs="+", help="folders of faces of other sources, never trained on, to measure")
    add(
        "--augmented",
        type=float,
        default=default.augmented,
        help="the part of photos that are changed, by each change in augment.py",
    )
    add("--device", default=default.device, help="cpu or cuda")
    add("--workers", type=int, default=default.workers, help="processes on a CPU")
    add("--threads", type=int, default=default.threads, help="threads of each process on a CPU")
    add("--warmup-steps", type=int, default=default.warmup_steps)
    add("--decay", type=float, default=default.decay, help="last part of the run over which the rate falls")
    add("--report-minutes", type=float, default=default.report_minutes, help="between checkpoints and sheets")
    add("--report-images", type=int, help="the same in images")
    add("--save-minutes", type=float, default=default.save_minutes, help="between checkpoints, where reports are further apart")
    add("--seed", type=int, default=default.seed)
    add("--compile", action="store_true", help="torch.compile the reconstruction step")
    add("--full-precision", dest="mixed_precision", action="store_false", help="f32 instead of bfloat16 where it is safe")


def clock_time(text: str) -> float:
    """Seconds of the next time that the clock shows HH:MM."""
    today = time.strftime("%Y-%m-%d ")
    seconds = time.mktime(time.strptime(today + text, "%Y-%m-%d %H:%M"))
    return seconds if seconds > time.time() else seconds + 24 * 3600
