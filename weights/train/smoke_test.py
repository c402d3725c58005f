"""The recipe from end to end on a tiny model and drawn faces, in some minutes of one core.

Asserts that the parts that were made fast compute what their plain forms do, that the loss falls, that a run which was stopped and resumed
ends with the same weights as one that was not, that a carried checkpoint comes back whole, that the phases with heads and with the discriminator and
growing run, that evaluation gives numbers, that directions and weights of faces are written, that a fine encoder brings pictures nearer to their photos
and mixes too, that all networks learn together, and that the exports can be read. Given the program's binary it also asserts that `stylebrush` reads
them, passes parity fixtures of them (1e-3) and reconstructs what PyTorch does. Without LPIPS the heads see features of a network with random weights.

Usage: python smoke_test.py [--lpips lpips_vgg16.safetensors] [--stylebrush target/release/stylebrush] [--mixed-precision]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file
from torch.nn import functional

import checkpoint as checkpoints
from augment import augment
from data import load_weights, random_batch, read_image, to_images
from edits import match_colours
from evaluate import evaluate
from heads import SpectralConv, crop_places, views
from model_file import load_model
from networks import LAYER_NORM_EPSILON, Config, ModulatedConv
from optimizers import NEWTON_SCHULZ, orthogonalize
from perceptual import STAGES
from stratify import weights_of
from train import parse_settings, train
from train_fine import parse_settings as parse_fine_settings
from train_fine import train as train_fine
from train_joint import parse_settings as parse_joint_settings
from train_joint import train_jointly

HERE = Path(__file__).resolve().parent
WIDTHS = {8: 24, 16: 24, 32: 16}
CODES = {8: 16, 16: 12, 32: 8}


def draw_faces(folder: Path, count: int, size: int) -> None:
    """Ellipses with eyes and a mouth, in colours and places drawn with a fixed seed."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for index in range(count):
        colour = [tuple(int(v) for v in random.integers(40, 220, 3)) for _ in range(4)]
        image = Image.new("RGB", (size * 4, size * 4), colour[0])
        draw = ImageDraw.Draw(image)
        x, y = (0.5 + random.uniform(-0.06, 0.06, 2)) * size * 4
        w, h = random.uniform(0.2, 0.3) * size * 4, random.uniform(0.3, 0.4) * size * 4
        draw.ellipse((x - w, y - h, x + w, y + h), fill=colour[1])
        for side in (-0.4, 0.4):
            draw.ellipse((x + side * w - 0.15 * w, y - 0.3 * h, x + side * w + 0.15 * w, y - 0.1 * h), fill=colour[2])
        draw.rectangle((x - 0.4 * w, y + 0.4 * h, x + 0.4 * w, y + random.uniform(0.45, 0.65) * h), fill=colour[3])
        image.resize((size, size), Image.Resampling.LANCZOS).save(folder / f"{index:04}.png")


def run(*arguments: object) -> None:
    """One run of train.py in this process."""
    print("train", *arguments, flush=True)
    train(parse_settings([str(argument) for argument in arguments]))


def run_fine(*arguments: object) -> None:
    """One run of train_fine.py in this process."""
    print("train_fine", *arguments, flush=True)
    train_fine(parse_fine_settings([str(argument) for argument in arguments]))


def metrics(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def assert_same(a: Path, b: Path) -> None:
    """Asserts that two checkpoints hold the same weights and averages, bit for bit."""
    first, second = checkpoints.load(a), checkpoints.load(b)
    networks = (
        "generator",
        "encoder",
        "discriminator",
        "heads",
        "generator_average",
        "encoder_average",
        "fine_encoder",
        "fine_encoder_average",
    )
    for network in networks:
        for name, tensor in first.get(network, {}).items():
            assert torch.equal(tensor, second[network][name]), f"{network}.{name} differs after resuming"


def check_parts() -> None:
    """What the steps are made of, against its plain form."""
    random = torch.Generator().manual_seed(0)
    conv = ModulatedConv(6, 4, 3, 5, up=False)
    x = 3 * torch.randn((2, 6, 16, 16), generator=random) + torch.tensor([20.0, -8.0])[:, None, None, None]
    code = torch.randn((2, 5, 16, 16), generator=random)
    wide = x.double()
    normalised = (wide - wide.mean((1, 2, 3), keepdim=True)) * torch.rsqrt(
        wide.var((1, 2, 3), keepdim=True, unbiased=False) + LAYER_NORM_EPSILON
    )
    plain = normalised * conv.gamma(code).double() + conv.beta(code).double()
    plain = functional.conv2d(plain, conv.weight[0].double() * conv.scale, padding=1)
    assert (conv(x, code) - plain).abs().max() < 1e-4, "layer norm by sums is not layer norm"

    for shape in ((24, 200), (200, 24), (30, 30)):
        matrix = torch.randn(shape, generator=random) * torch.logspace(0, -2, shape[1])
        x = matrix.double() if shape[0] <= shape[1] else matrix.double().T
        x = x / x.norm()
        a, b, c = NEWTON_SCHULZ
        for _ in range(5):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        x = x if shape[0] <= shape[1] else x.T
        assert ((orthogonalize(matrix) - x).norm() / x.norm()) < 1e-3, "the iteration on the Gram matrix is another one"

    conv = SpectralConv(5, 7)
    for _ in range(1000):  # two singular values may lie close together
        result = conv(torch.randn((1, 5, 8, 8), generator=random))
    plain = functional.conv2d(
        torch.ones(1, 5, 8, 8), conv.weight / torch.linalg.matrix_norm(conv.weight.flatten(1), 2), conv.bias, padding=1
    )
    assert result.shape == (1, 7, 8, 8) and (conv(torch.ones(1, 5, 8, 8)) - plain).abs().max() < 1e-3, (
        "the spectral norm is another one"
    )

    pixels = torch.randint(256, (6, 16, 16, 3), generator=random, dtype=torch.uint8)
    weights = torch.tensor([0, 0, 1.0, 0, 0, 0])
    drawn = random_batch(pixels, 8, "cpu", random, weights)
    there = to_images(pixels[2:3])
    assert all(torch.equal(one, there[0]) or torch.equal(one, there[0].flip(2)) for one in drawn), "weights are not heeded"
    faces, others = drawn[:4], random_batch(pixels, 4, "cpu", random)
    matched = match_colours(0.3 * faces, 0.3 * others)
    difference = match_colours(matched, 0.3 * others) - matched
    assert difference.abs().max() < 0.2 and not torch.equal(matched, 0.3 * faces), "matched colours do not stay as they are"
    for part in (0.0, 1.0):
        seen, targets = augment(others, part, torch.Generator().manual_seed(1))
        again, _ = augment(others, part, torch.Generator().manual_seed(1))
        assert torch.equal(seen, again) and seen.shape == targets.shape == others.shape
        assert seen.abs().max() <= 1 and targets.abs().max() <= 1
        is_same = torch.equal(seen, others) and torch.equal(targets, others)
        assert is_same == (part == 0), "augmentation does not follow its part"
    places = crop_places(4, 16, 8, random)
    for index, (one, place) in enumerate(zip(views(others, places, 8), places, strict=True)):
        whole = functional.avg_pool2d(others[index], 2)
        expected = whole if place is None else others[index][:, place[0] : place[0] + 8, place[1] : place[1] + 8]
        assert torch.equal(one, expected)
    assert sum(place is None for place in places) == 2, "not every other picture is shrunk"

    common_and_rare = {"age": np.r_[np.full(90, 30.0), np.full(10, 80.0)]}
    drawn_rare = weights_of(common_and_rare)[90:].sum() / 100
    assert abs(drawn_rare - 0.5) < 1e-6, f"rare faces would be {drawn_rare:.2f} of those drawn, not half"


def random_lpips(path: Path) -> Path:
    """A network with the layers of LPIPS and random weights: enough to run what learns from it."""
    random = torch.Generator().manual_seed(0)
    tensors, inputs = {}, 3
    for stage, (convs, width) in enumerate(zip(STAGES, (64, 128, 256, 512, 512), strict=True)):
        for conv in convs:
            tensors[f"features.{conv}.weight"] = torch.randn((width, inputs, 3, 3), generator=random) * (2 / (9 * inputs)) ** 0.5
            tensors[f"features.{conv}.bias"] = torch.zeros(width)
            inputs = width
        tensors[f"lin{stage}.weight"] = torch.full((1, width, 1, 1), 1 / width)
    save_file(tensors, str(path))
    return path


def check_heads(work: Path, common: list[object], lpips: Path, grow: list[object]) -> None:
    """Heads judge, their runs repeat exactly, and after growing they wait."""
    heads = [
        *common,
        "--phase",
        "heads",
        "--lpips",
        lpips,
        "--warmup-steps",
        2,
        "--heads-wait",
        0,
        "--heads-ramp",
        16,
        "--augmented",
        0.5,
        "--others",
        work / "small",
    ]
    run(*heads, "--out", work / "heads", "--resume", work / "whole" / "last.pt", "--images", 96)
    (line,) = metrics(work / "heads")
    assert {"verdict", "edit_verdict", "heads"} <= line["losses"].keys(), "the heads have judged nothing"
    assert {"held_out_mse", "trained_mse", "others_lpips"} <= line.keys()
    run(*heads, "--out", work / "heads_part", "--resume", work / "whole" / "last.pt", "--images", 48)
    run(*heads, "--out", work / "heads_part", "--resume", work / "heads_part" / "last.pt", "--images", 48)
    assert_same(work / "heads" / "last.pt", work / "heads_part" / "last.pt")
    run(*heads, "--out", work / "heads_workers", "--resume", work / "heads" / "last.pt", "--images", 32, "--workers", 2)
    whole, heard = (checkpoints.load(work / name / "last.pt") for name in ("whole", "heads"))
    assert any(not torch.equal(tensor, heard["generator"][name]) for name, tensor in whole["generator"].items())
    for wait, judges in ((10_000, False), (16, True)):
        out = work / f"heads_grown_{wait}"
        run(*heads, "--out", out, *grow, "--resume", work / "heads" / "last.pt", "--heads-wait", wait)
        assert ("heads" in metrics(out)[-1]["losses"]) == judges, f"after growing the heads do not wait for {wait} images"


def check_stratified(work: Path, model: Path, common: list[object]) -> None:
    """Weights from labels, and a run that draws by them."""
    files = sorted((work / "faces" / "drawn").glob("*.png"))
    rows = ["file,age,turn", *(f"drawn/{file.name},{20 + index % 50},{index % 7 - 3}" for index, file in enumerate(files[:60]))]
    (work / "labels.csv").write_text("\n".join(rows) + "\n")
    command = [sys.executable, HERE / "stratify.py", model, work / "faces", "--labels", work / "labels.csv"]
    subprocess.run([str(part) for part in [*command, "--out", work / "weights.csv"]], check=True)
    weights = load_weights([work / "faces"], work / "weights.csv")
    assert len(weights) == len(files) and abs(float(weights.mean()) - 1) < 1e-3 and weights.std() > 0
    run(*common, "--out", work / "weighted", "--images", 16, "--weights", work / "weights.csv")


def check_joint(work: Path, model: Path, common: list[object], lpips: Path) -> None:
    """All three networks learn together, exactly again, and what comes out is a whole model."""
    joint = [
        *common,
        "--warmup-steps",
        2,
        "--lpips",
        lpips,
        "--heads-wait",
        0,
        "--heads-ramp",
        16,
        "--edit-steps",
        1,
        "--heads-weight",
        0.1,
    ]

    def run_joint(*arguments: object) -> None:
        print("train_joint", *arguments, flush=True)
        train_jointly(parse_joint_settings([str(argument) for argument in arguments]))

    run_joint(*joint, "--out", work / "joint", "--resume", model, "--images", 96)
    run_joint(*joint, "--out", work / "joint_part", "--resume", model, "--images", 48)
    run_joint(*joint, "--out", work / "joint_part", "--resume", work / "joint_part" / "last.pt", "--images", 48)
    assert_same(work / "joint" / "last.pt", work / "joint_part" / "last.pt")
    (line,) = metrics(work / "joint")
    assert {"settling", "edit_verdict", "heads"} <= line["losses"].keys() and line["held_out_fine_mse"] > 0
    before, after = checkpoints.load(model), checkpoints.load(work / "joint" / "last.pt")
    for network in ("generator", "encoder", "fine_encoder"):
        assert any(not torch.equal(tensor, after[network][name]) for name, tensor in before[network].items()), network
    assert load_model(work / "joint" / "last.pt").fine_encoder is not None


def check_rust(binary: Path, model: Path, photo: Path, work: Path) -> None:
    """The program reads the export, and its reconstruction is PyTorch's."""
    fixture = work / "fixture.safetensors"
    subprocess.run([sys.executable, HERE / "fixture.py", model, photo, photo, fixture], check=True)
    subprocess.run([binary, "verify", fixture, "--model", model], check=True)
    info = subprocess.run([binary, "info", "--model", model], check=True, capture_output=True, text=True)
    print(info.stdout)
    out = work / "again.png"
    command = [binary, "reconstruct", photo, "--aligned", "--model", model, "-o", out]
    subprocess.run(command, check=True, capture_output=True, text=True)
    loaded = load_model(model)
    image = to_images(torch.from_numpy(read_image(photo, loaded.config.size).copy())[None])
    with torch.inference_mode():
        ours = ((loaded.reconstruct(image)[0] + 1) * 127.5).permute(1, 2, 0).numpy()
    theirs = np.asarray(Image.open(out).convert("RGB")).astype(np.float32)
    # The picture is rounded to whole steps of 1/127.5: half a step, and 1e-3 of the range [-1, 1].
    greatest = float(np.abs(ours - theirs).max())
    assert greatest <= 0.5 + 1e-3 * 127.5, f"Rust and PyTorch differ by {greatest} steps of 8 bit"
    print(f"Rust and PyTorch agree: at most {greatest:.3f} steps of 8 bit apart, 0.5 of them from rounding")


def check_fine_encoder(work: Path, model: Path, options: list[object]) -> Path:
    """Trains a fine encoder of the model and exports both; the exported file."""
    common = ["--data", work / "faces", "--batch", 8, "--decay", 0, "--warmup-steps", 10, "--average-half-life", 100]
    common += ["--minutes", 30, "--cache", work / "cache", "--rate", 2e-3, "--top-width", 16, "--mid-width", 16, *options]
    run_fine(*common, "--out", work / "fine", "--resume", model, "--images", 960, "--report-images", 320)
    lines = metrics(work / "fine")
    for name in ("held_out_mse", "held_out_loss"):
        assert lines[-1][name] < lines[0][name], f"{name} of the fine encoder does not fall"
    assert lines[-1]["held_out_settled_mse"] < lines[-1]["held_out_mixed_mse"], (
        "settling does not bring mixes nearer to the photos"
    )

    run_fine(*common, "--out", work / "fine_part", "--resume", model, "--images", 480)
    run_fine(*common, "--out", work / "fine_part", "--resume", work / "fine_part" / "last.pt", "--images", 480)
    assert_same(work / "fine" / "last.pt", work / "fine_part" / "last.pt")
    run_fine(
        *common,
        "--out",
        work / "fine_workers",
        "--resume",
        work / "fine" / "last.pt",
        "--images",
        64,
        "--workers",
        2,
        "--settle-weight",
        0,
    )

    exported = work / "fine.safetensors"
    command = [sys.executable, HERE / "export.py", work / "fine" / "best.pt", exported, "--data", work / "faces"]
    command += ["--name", "smoke test, fine", "--license", "CC0-1.0", "--trained-on", "drawn faces", "--components", 4]
    subprocess.run([str(part) for part in command], check=True)
    before, after = load_file(str(model)), load_file(str(exported))
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items() if name.startswith(("g_ema.", "e_ema.")))
    run_fine(*common, "--out", work / "fine_from_export", "--resume", exported, "--images", 16)
    alone, refined = (evaluate(exported, work / "small", None, "cpu", likeness=likeness) for likeness in (0, 1))
    plain = evaluate(model, work / "small", None, "cpu")
    assert alone["reconstruction"] == plain["reconstruction"], "likeness 0 is not the encoder alone"
    for part, name in (("reconstruction", "mse"), ("local_edits", "mse_src"), ("local_edits", "mse_ref")):
        assert refined[part]["all"][name] < alone[part]["all"][name], f"the fine encoder does not improve {name}"
    return exported


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs the whole recipe on a tiny model.")
    parser.add_argument("--lpips", type=Path, help="also train and evaluate with LPIPS")
    parser.add_argument("--stylebrush", type=Path, help="the program, to read the export")
    parser.add_argument(
        "--mixed-precision", action="store_true", help="train in bfloat16: on most CPUs ten times slower (see README.md)"
    )
    arguments = parser.parse_args()
    precision = [] if arguments.mixed_precision else ["--full-precision"]
    lpips = ["--lpips", arguments.lpips] if arguments.lpips else []
    check_parts()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        draw_faces(work / "faces" / "drawn", 120, 32)
        draw_faces(work / "small" / "drawn", 40, 32)
        config = work / "config.json"
        widths = Config(size=32, style_dim=16, channels=WIDTHS, codes=CODES, encoder_channels=WIDTHS, mapping_layers=4)
        config.write_text(json.dumps(widths.to_dict()))
        common = ["--data", work / "faces", "--size", 32, "--config", config, "--batch", 8, "--decay", 0]
        common += ["--warmup-steps", 10, "--average-half-life", 100, "--minutes", 30, "--cache", work / "cache", *precision]

        run(*common, "--out", work / "whole", "--images", 960, "--report-images", 320, *lpips)
        lines = metrics(work / "whole")
        first, last = lines[0]["losses"]["pixel"], lines[-1]["losses"]["pixel"]
        assert last < 0.8 * first, f"the loss does not fall: {first} to {last}"
        assert lines[-1]["held_out_mse"] < lines[0]["held_out_mse"], "held-out error does not fall"

        run(*common, "--out", work / "part", "--images", 480, *lpips)
        run(*common, "--out", work / "part", "--images", 480, "--resume", work / "part" / "last.pt", *lpips)
        assert_same(work / "whole" / "last.pt", work / "part" / "last.pt")

        parts = checkpoints.split(work / "whole" / "last.pt", work / "carried", 100_000)
        assert len(parts) > 1 and all(part.stat().st_size <= 100_000 for part in parts)
        checkpoints.join(work / "carried", work / "joined.pt")
        whole, joined = checkpoints.load(work / "whole" / "last.pt"), checkpoints.load(work / "joined.pt")
        for name, tensor in whole["generator_average"].items():
            assert torch.equal(tensor.half().float(), joined["generator"][name])

        run(*common, "--out", work / "workers", "--images", 160, "--workers", 2, "--resume", work / "joined.pt")
        adversarial = [*common, "--phase", "adversarial", "--of-minutes", 1000]
        run(*adversarial, "--out", work / "adversarial", "--resume", work / "joined.pt", "--images", 160, *lpips)
        run(*adversarial, "--out", work / "twice", "--resume", work / "joined.pt", "--images", 80, *lpips)
        run(*adversarial, "--out", work / "twice", "--resume", work / "twice" / "last.pt", "--images", 80, *lpips)
        assert {"generator", "discriminator", "latent", "domain", "r1"} <= metrics(work / "adversarial")[0]["losses"].keys()
        assert_same(work / "adversarial" / "last.pt", work / "twice" / "last.pt")
        schedule_s = checkpoints.load(work / "twice" / "last.pt")["schedule_s"]
        minutes = metrics(work / "twice")
        assert schedule_s > 60 * minutes[-1]["minutes"] > 0, "the second call does not go on with the first one's schedule"
        checkpoints.split(work / "adversarial" / "last.pt", work / "carried", 100_000)
        checkpoints.join(work / "carried", work / "carried.pt")
        run(*adversarial, "--out", work / "from_carried", "--resume", work / "carried.pt", "--images", 16)

        grown = Config(
            size=64,
            style_dim=16,
            channels=WIDTHS | {64: 8},
            codes=CODES | {64: 8},
            encoder_channels=WIDTHS | {64: 8},
            mapping_layers=4,
        )
        (work / "grown.json").write_text(json.dumps(grown.to_dict()))
        grow = ["--size", 64, "--config", work / "grown.json", "--images", 80, "--resume", work / "whole" / "last.pt"]
        run(*common, "--out", work / "grown", *grow)
        judge = arguments.lpips or random_lpips(work / "lpips.safetensors")
        check_heads(work, common, judge, grow[:-2])
        grow[-1] = work / "adversarial" / "last.pt"
        run(*common, "--out", work / "grown_adversarial", *grow, "--phase", "adversarial")

        model = work / "model.safetensors"
        command = [sys.executable, HERE / "export.py", work / "whole" / "last.pt", model, "--data", work / "faces"]
        command += ["--name", "smoke test", "--license", "CC0-1.0", "--trained-on", "drawn faces", "--components", 4]
        command += ["--stylemaps", work / "stylemaps.safetensors"]
        subprocess.run([str(part) for part in command], check=True)
        names = [{"source": "component 1", "name": "second", "range": [-3, 3]}]
        (work / "names.json").write_text(json.dumps(names))
        command = [
            sys.executable,
            HERE / "directions.py",
            model,
            "--stylemaps",
            work / "stylemaps.safetensors",
            "--data",
            work / "faces",
        ]
        command += ["--components", 4, "--look", work / "look", "--faces", work / "faces" / "drawn" / "0000.png"]
        command += ["--names", work / "names.json", "--out", work / "directions.safetensors"]
        subprocess.run([str(part) for part in command], check=True)
        (direction,) = load_file(str(work / "directions.safetensors")).values()
        assert direction.shape == (16, 8, 8) and direction.norm() > 0
        run(*common, "--out", work / "from_export", "--images", 16, "--resume", model)
        result = evaluate(model, work / "small", None, "cpu")
        again = evaluate(work / "whole" / "last.pt", work / "small", None, "cpu")
        difference = abs(result["reconstruction"]["all"]["mse"] - again["reconstruction"]["all"]["mse"])
        assert difference < 1e-4, "the export is not the checkpoint's model"
        enlarged = evaluate(model, work / "small", None, "cpu", at=64)
        assert enlarged["size"] == 64 and "local_edits" not in enlarged
        assert abs(enlarged["reconstruction"]["all"]["mse"] / result["reconstruction"]["all"]["mse"] - 1) < 0.2
        check_stratified(work, model, common)
        fine_model = check_fine_encoder(work, model, [*lpips, *precision])
        check_joint(work, fine_model, common, judge)
        if arguments.stylebrush:
            photo = next((work / "small" / "drawn").glob("*.png"))
            for exported in (model, fine_model):
                check_rust(arguments.stylebrush.resolve(), exported, photo, work)
    print("the recipe works")


if __name__ == "__main__":
    main()
