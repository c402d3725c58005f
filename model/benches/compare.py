#!/usr/bin/env python3
"""PyTorch and Stylebrush side by side: the same networks with random weights, in rounds that alternate, on the CPU.

Prints one line per measurement: both medians, the median of the rounds' ratios (ours / PyTorch's) and their range.
  encode         photo -> stylemap
  decode         stylemap -> picture
  encode+decode  both
  stroke         ours: a small dab's step.  PyTorch's: what the reference demo computes for one frame of a local edit (source and
                 one reference encoded, both chains of style codes, codes mixed by a mask at every level, every gamma and
                 beta, the main path)
  stroke, known  ours again, against the same without the encoder

Needs torch, and the networks in PyTorch: a module `networks` or `net` with Config, Generator and Encoder in --networks.
  cargo build --release && python3 model/benches/compare.py --rounds 5
"""

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", choices=["default", "published-256"], default="default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3, help="runs of each thing in a round")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32", help="PyTorch's numbers; ours are f32")
    parser.add_argument("--networks", type=Path, default=REPOSITORY / "weights" / "train")
    parser.add_argument("--program", type=Path, default=REPOSITORY / "target" / "release" / "stylebrush")
    return parser.parse_args()


def load_networks(folder):
    sys.path.insert(0, str(folder))
    for name in ("networks", "net"):
        if (folder / f"{name}.py").exists():
            return importlib.import_module(name)
    sys.exit(f"no networks.py or net.py in {folder}: name the folder with --networks")


def configuration(networks, widths, program):
    """The same widths as ours, told by the program itself."""
    if widths == "default":
        known = json.loads(subprocess.check_output([program, "info", "--json"]))["config"]
        size, base = known["size"], known["base"]
        tables = [known[name] for name in ("channels", "codes", "encoder_channels")]
        tables = [{int(level): width for level, width in table.items()} for table in tables]
    else:
        size, base = 256, 8
        tables = [{8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128}] * 3
    return networks.Config(size, 64, base, *tables)


class Reference:
    """PyTorch's side."""

    def __init__(self, networks, config, dtype):
        import torch

        self.torch = torch
        torch.manual_seed(0)
        numbers = {"f32": torch.float32, "bf16": torch.bfloat16}[dtype]
        self.generator = networks.Generator(config).to(numbers).eval()
        self.encoder = networks.Encoder(config).to(numbers).eval()
        size = config.size
        photos = torch.rand(2, 3, size, size, dtype=numbers) * 2 - 1
        self.photos = photos.contiguous(memory_format=torch.channels_last)
        rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        circle = (rows - size // 2) ** 2 + (columns - size // 2) ** 2 < (size // 5) ** 2
        self.mask = circle.float()[None, None]
        with torch.inference_mode():
            self.stylemaps = self.encoder(self.photos)

    def edit(self, stylemaps):
        functional = self.torch.nn.functional
        decoder, codes, code = self.generator.decoder, [], stylemaps
        for layer in decoder.convs_latent:
            code = layer(code)
            codes.append(code)
        taken = [functional.avg_pool2d(self.mask, self.mask.shape[3] // code.shape[3]) > 0.5 for code in codes]
        mixed = [self.torch.where(mask, code[1:2], code[0:1]) for mask, code in zip(taken, codes)]
        x = decoder.conv1(decoder.input.input, mixed[0])
        for index, block in enumerate(decoder.convs):
            x = block(x, mixed[2 * index + 1], mixed[2 * index + 2])
        return decoder.to_rgb(x, mixed[-1])

    def measure(self, runs):
        work = {
            "encode": lambda: self.encoder(self.photos[:1]),
            "decode": lambda: self.generator(self.stylemaps[:1]),
            "demo": lambda: self.edit(self.encoder(self.photos)),
            "demo, known": lambda: self.edit(self.stylemaps),
        }
        with self.torch.inference_mode():
            return {what: median_ms(body, runs) for what, body in work.items()}


def median_ms(body, runs):
    body()
    durations_ms = []
    for _ in range(runs):
        start = time.perf_counter()
        body()
        durations_ms.append((time.perf_counter() - start) * 1e3)
    return statistics.median(durations_ms)


def ours(options):
    widths = ["--random-weights", options.widths]
    command = [options.program, "bench", "--json", "--device", "cpu", "--threads", str(options.threads)]
    command += ["--runs", str(max(options.runs, 3)), "--only", "encoder,decode,small-dab", *widths]
    report = json.loads(subprocess.check_output(command))
    return {entry["name"]: entry["median_ms"] for entry in report["measurements"]}


def main():
    options = arguments()
    networks = load_networks(options.networks)
    config = configuration(networks, options.widths, options.program)
    reference = Reference(networks, config, options.dtype)
    reference.torch.set_num_threads(options.threads)
    rows = {}
    for _ in range(options.rounds):
        theirs, we = reference.measure(options.runs), ours(options)
        pairs = {
            "encode": (we["encoder"], theirs["encode"]),
            "decode": (we["full decode"], theirs["decode"]),
            "encode+decode": (we["encoder"] + we["full decode"], theirs["encode"] + theirs["decode"]),
            "stroke": (we["stroke, small dab"], theirs["demo"]),
            "stroke, known": (we["stroke, small dab"], theirs["demo, known"]),
        }
        for what, pair in pairs.items():
            rows.setdefault(what, []).append(pair)
    print(f"{options.widths}, PyTorch {reference.torch.__version__} {options.dtype}, {options.threads} threads")
    print(f"{'':<16}{'ours ms':>10}{'PyTorch ms':>12}{'ratio':>8}   range")
    for what, pairs in rows.items():
        ratios = sorted(a / b for a, b in pairs)
        a, b = (statistics.median(side) for side in zip(*pairs))
        ratio = statistics.median(ratios)
        print(f"{what:<16}{a:>10.1f}{b:>12.1f}{ratio:>8.3f}   {ratios[0]:.3f} to {ratios[-1]:.3f}")


if __name__ == "__main__":
    main()
