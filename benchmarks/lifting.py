"""Frames a second of lifting: the paper's network as published, ours in torch, ours in onnxruntime.

All sides have the same random weights, take turns in one process, and the fastest round counts:

    python benchmarks/lifting.py                        the paper's sizes and the shipped models
    python benchmarks/lifting.py --only default --rounds 10
    python benchmarks/lifting.py --device cuda          the paper's sizes on a graphics card
"""

from __future__ import annotations

import argparse
import copy
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from lift_to_3d.core.lift import lift_joints
from lift_to_3d.core.mixste.backend import open_backend
from lift_to_3d.core.mixste.cost import cost_of
from lift_to_3d.core.mixste.model import ModelCard, find_model, shipped_models
from lift_to_3d.core.mixste.network import Attention, MixSTE, NetworkConfig
from lift_to_3d.core.training.export import export_model
from lifting_memory import CLIP, clip
from torch import Tensor

_CARD_FRAMES = 16 * 243  # enough to fill a large card

PAPER = {
    "paper 512/8, T=81": NetworkConfig(frames=81),
    "paper 512/8, T=243": NetworkConfig(frames=243),
}


def published_attention(self: Attention, x: Tensor) -> Tensor:
    """Attention as the published code spells it out: scores, softmax, mixture."""
    batch, tokens, width = x.shape
    qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    scores = (q @ k.transpose(-2, -1)) * (width // self.heads) ** -0.5
    mixed = scores.softmax(-1) @ v
    return self.proj(mixed.transpose(1, 2).reshape(batch, tokens, width))


def published(config: NetworkConfig) -> MixSTE:
    """The network with the published attention."""
    network = MixSTE(config)
    for module in network.modules():
        if isinstance(module, Attention):
            module.forward = published_attention.__get__(module)  # type: ignore[method-assign]
    return network.eval()


def best(sides: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Seconds of the fastest of several rounds, the sides taking turns; one round warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds + 1):
        for name, run in sides.items():
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    return {name: min(times[1:]) for name, times in seconds.items()}


def compare(title: str, config: NetworkConfig, rounds: int) -> None:
    """Print one table of one network size."""
    torch.manual_seed(0)
    plain, ours = published(config), MixSTE(config).eval()
    ours.load_state_dict(plain.state_dict())
    windows = max(1, round(162 / config.frames))
    x = torch.randn(windows, config.frames, 17, config.in_channels)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        card = ModelCard("bench", config.frames, 12.5, config.in_channels, "view")
        run = open_backend(find_model(str(export_model(ours, card, Path(folder)))), "cpu")
        sides = {
            "published form, torch": lambda: plain(x),
            "ours, torch": lambda: ours(x),
            "ours, onnxruntime": lambda: run(x.numpy()),
        }
        worst = max(
            float((plain(x) - ours(x)).abs().max()),
            float(np.abs(plain(x).numpy() - run(x.numpy())).max()),
        )
        seconds = best(sides, rounds)
    print(f"\n{title}, {windows} windows of {config.frames} frames, largest difference {worst:.1e}")
    base = seconds["published form, torch"]
    for name, value in seconds.items():
        rate = windows * config.frames / value
        print(f"  {name:24} {rate:9.0f} frames/s   {base / value:5.2f} x")


def compare_on_card(title: str, config: NetworkConfig, rounds: int, peak: float) -> None:
    """Print one table of one network size on a graphics card.

    Ours runs in bfloat16, compiled; the published form in float32, as its code does, and again in
    bfloat16. The share is of `matrix_peak`, by the multiplications that a window needs.
    """
    torch.manual_seed(0)
    plain = published(config).cuda()
    half, ours = (copy.deepcopy(plain).bfloat16(), MixSTE(config).eval().cuda().bfloat16())
    ours.load_state_dict(half.state_dict())
    fused = torch.compile(ours)
    windows = round(_CARD_FRAMES / config.frames)
    x = torch.randn(windows, config.frames, 17, config.in_channels, device="cuda")
    short = x.bfloat16()
    sides = {
        "published form, float32": lambda: plain(x),
        "published form, bfloat16": lambda: half(short),
        "ours, bfloat16": lambda: ours(short),
        "ours, bfloat16, compiled": lambda: fused(short),
    }
    with torch.inference_mode():
        truth = plain(x)
        error = float((fused(short).float() - truth).norm() / truth.norm())
        seconds = best({name: partial(_finished, run) for name, run in sides.items()}, rounds)
    print(f"\n{title}, {windows} windows of {config.frames} frames, error {error:.1e} of the norm")
    base, work = seconds["published form, float32"], 2 * cost_of(config.as_dict()).macs
    for name, value in seconds.items():
        rate = windows * config.frames / value
        share = rate * work / peak
        print(
            f"  {name:26} {rate:9.0f} frames/s   {base / value:5.2f} x   {share:6.1%} of the peak"
        )


def matrix_peak() -> float:
    """Operations a second of a large bfloat16 matrix product."""
    a, b = torch.randn(2, 8192, 8192, device="cuda", dtype=torch.bfloat16)
    seconds = best({"": partial(_finished, lambda: [a @ b for _ in range(20)])}, 3)[""]
    return 20 * 2 * 8192**3 / seconds


def _finished(run: Callable[[], object]) -> None:
    run()
    torch.cuda.synchronize()


def whole_clip(name: str, rounds: int) -> None:
    """Print how fast a shipped model lifts a clip, from keypoints to joints, and in what memory."""
    model, track = find_model(name), clip()
    run = open_backend(model, "cpu")
    print(f"\nshipped model {name!r}, a clip of {CLIP} frames at 30 a second")
    ways = {
        "as its card says": partial(lift_joints, track, model.card, run),
        "without mirror": partial(lift_joints, track, model.card, run, False),
        "bare": partial(lift_joints, track, model.card, run, False, 0.0),
    }
    for title, seconds in best(ways, rounds).items():
        print(f"  {title:24} {CLIP / seconds:9.0f} frames/s")
    command = [sys.executable, str(Path(__file__).with_name("lifting_memory.py")), name]
    peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    print(f"  peak memory of a process that does nothing else: {peak.strip()}")


def on_card(rounds: int) -> None:
    """Print the tables of a graphics card."""
    peak = matrix_peak()
    print(f"{torch.cuda.get_device_name()}, {peak / 1e12:.0f} TFLOP/s in a bfloat16 product")
    for title, config in reversed(PAPER.items()):
        compare_on_card(title, config, rounds, peak)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="a shipped model's name; leaves the paper's sizes out")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parsed = parser.parse_args()
    if parsed.device == "cuda":
        on_card(parsed.rounds)
        return
    threads = torch.get_num_threads()
    print(f"{threads} threads, float32, fastest of {parsed.rounds} rounds")
    shipped = [parsed.only] if parsed.only else shipped_models()
    for name in shipped:
        card = find_model(name).card
        if not card.network_of:
            compare(f"size of {name!r}", NetworkConfig(**card.network), parsed.rounds)
        whole_clip(name, parsed.rounds)
    if not parsed.only:
        for title, config in PAPER.items():
            compare(title, config, parsed.rounds)


if __name__ == "__main__":
    main()
