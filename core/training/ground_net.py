"""Trains the sense of balance that ``core.ground.senses`` runs.

    python -m lift_to_3d.core.training.ground_net MOCAP... --out core/ground/senses.npz

A few minutes on two cores. Motion capture is filmed by random cameras, spoilt as a lifter spoils
it, taken through the same steps as at run time, and the network learns two things at once: votes
whose sum over a clip points up, and which foot stands.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import binary_opening
from torch import nn

from ..ground.body import body_of
from ..ground.senses import observe
from ..skeleton import H36M
from .capture import Take, load_takes
from .ground_clips import LIFTER, Mistakes, film

_FEET = [6, 3]
_HERTZ = 10  # looks a second in training
_LOOKS = 48  # looks of one clip in a batch


@dataclass(frozen=True)
class Example:
    """One filmed clip: (looks, features), (looks, 3, 3) trunk axes, (3,) up, (looks, 2) feet."""

    features: torch.Tensor
    axes: torch.Tensor
    up: torch.Tensor
    feet: torch.Tensor


def standing_feet(world: np.ndarray, fps: float) -> np.ndarray:
    """(frames, 2) bool: the foot rests on the floor, or on a step below the body.

    Args:
        world: (frames, 17, 3) captured metres, Z up, ankles stand at 0.08.
        fps: frames a second.
    """
    ankles = world[:, _FEET]
    rise = ankles[..., 2]
    speed = np.linalg.norm(np.gradient(ankles, 1 / fps, axis=0), axis=-1)
    step = (rise < rise.min(1, keepdims=True) + 0.05) & (world[:, :1, 2] - rise > 0.6)
    stands = (speed < 0.3) & ((rise < 0.13) | step)
    return binary_opening(stands, np.ones((max(1, round(0.1 * fps)), 1)))


def vary(take: Take, rng: np.random.Generator) -> Take:
    """The take on another body, perhaps mirrored."""
    joints = take.joints.astype(float)
    scale = np.exp(rng.normal(0, 0.05, 17))
    scale[list(H36M.left)] = scale[list(H36M.right)]
    out = joints.copy()
    for parent, joint in H36M.bones:
        out[:, joint] = out[:, parent] + scale[joint] * (joints[:, joint] - joints[:, parent])
    out[..., 2] += np.median(joints[:, _FEET, 2].min(1) - out[:, _FEET, 2].min(1))
    if rng.random() < 0.5:
        out = out[:, list(H36M.mirrored)] * (-1.0, 1.0, 1.0)
    return replace(take, joints=out)


def cut(take: Take, rng: np.random.Generator) -> Take:
    """Two to twelve seconds of the take, from anywhere in it."""
    wanted = round(rng.uniform(2, 12) * take.fps)
    start = rng.integers(max(1, len(take.joints) - wanted + 1))
    return replace(take, joints=take.joints[start : start + wanted])


def example(take: Take, rng: np.random.Generator) -> Example:
    """Film a take and look at it as `ground` does."""
    take = vary(cut(take, rng), rng)
    part = rng.uniform(0, 1.3)
    mistakes = Mistakes(*(part * v for v in vars(LIFTER).values()))
    clip = film(take, rng, mistakes, pitch=(-25, 55), roll=(-25, 25))
    body = body_of(clip.pose, clip.track, 1.70, "light")
    features, axes = observe(body.joints, body.path(), take.fps)
    looks = slice(int(rng.integers(1 + take.fps // _HERTZ)), None, round(take.fps / _HERTZ))
    feet = standing_feet(clip.world, take.fps)[looks]
    return Example(
        torch.from_numpy(features[looks]).half(),
        torch.from_numpy(axes[looks]).float(),
        torch.from_numpy(clip.up).float(),
        torch.from_numpy(feet).float(),
    )


def network(features: int, width: int = 128) -> nn.Sequential:
    """Three layers: votes for up (3) and feet (2, logits)."""
    return nn.Sequential(
        nn.Linear(features, width), nn.SiLU(), nn.Dropout(0.1),
        nn.Linear(width, width // 2), nn.SiLU(),
        nn.Linear(width // 2, 5),
    )  # fmt: skip


def batch(examples: list[Example], rng: np.random.Generator, size: int) -> tuple[torch.Tensor, ...]:
    """Features, axes, up and feet of random runs of looks, one row a clip."""
    rows = []
    for i in rng.integers(len(examples), size=size):
        one = examples[i]
        count = len(one.features)
        looks = torch.from_numpy(np.sort(rng.integers(count, size=_LOOKS)))
        rows.append((one.features[looks].float(), one.axes[looks], one.up, one.feet[looks]))
    return tuple(torch.stack(column) for column in zip(*rows, strict=True))


def judge(answer: torch.Tensor, axes: torch.Tensor, up: torch.Tensor, feet: torch.Tensor):
    """(clips,) angle between summed votes and up, in radians, and the loss of the feet."""
    votes = torch.einsum("blij,bli->blj", axes, answer[..., :3])
    total = nn.functional.normalize(votes.sum(1), dim=-1)
    angle = 2 * torch.asin(((total - up).norm(dim=-1) / 2).clamp(max=0.999))
    return angle, nn.functional.binary_cross_entropy_with_logits(answer[..., 3:], feet)


def shares(takes: list[Take]) -> np.ndarray:
    """(takes,) how often to draw each: an action by the root of its length, not to drown others."""
    lengths = np.array([len(t.joints) for t in takes], float)
    total = {t.action: 0.0 for t in takes}
    for take, length in zip(takes, lengths, strict=True):
        total[take.action] += length
    share = lengths / np.sqrt([total[t.action] for t in takes])
    return share / share.sum()


def train(takes: list[Take], held: list[Take], clips: int, steps: int, seed: int) -> nn.Sequential:
    """Train on clips drawn from the takes, evenly over time; held takes are only measured."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # more only wait for each other on matrices this small
    draws = rng.choice(len(takes), size=clips, p=shares(takes))
    examples = []
    for n, i in enumerate(draws):
        examples.append(example(takes[i], rng))
        if n % 500 == 0:
            print(f"filming {n}/{clips}", flush=True)
    unseen = [example(take, np.random.default_rng(n)) for n, take in enumerate(held * 4)]
    check = batch(unseen, np.random.default_rng(0), 512)
    features = torch.cat([e.features for e in examples]).float()
    mean, deviation = features.mean(0), features.std(0) + 0.02
    net = network(features.shape[1])
    best = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998)
    )
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, steps)
    for step in range(steps):
        seen, axes, up, feet = batch(examples, rng, 64)
        angle, loss = judge(net((seen - mean) / deviation), axes, up, feet)
        (5 * torch.sqrt(angle**2 + 0.03**2).mean() + loss).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        best.update_parameters(net)
        if step % 500 == 499:
            best.eval()
            with torch.no_grad():
                off, foot = judge(best((check[0] - mean) / deviation), *check[1:])
            degrees = torch.rad2deg(off)
            print(
                f"step {step + 1}: train {torch.rad2deg(angle).median():.2f} deg {loss:.3f}, held"
                f" median {degrees.median():.2f}, 90 % {degrees.quantile(0.9):.2f} deg,"
                f" feet {foot:.3f}",
                flush=True,
            )
    final = best.module.eval()
    with torch.no_grad():
        first = final[0]
        first.bias -= first.weight @ (mean / deviation)
        first.weight /= deviation
    return final


def save(net: nn.Sequential, path: Path) -> None:
    """The layers as plain arrays, half precision."""
    layers = [m for m in net if isinstance(m, nn.Linear)]
    arrays = {}
    for i, layer in enumerate(layers):
        arrays[f"weight{i}"] = layer.weight.detach().numpy().T.astype(np.float16)
        arrays[f"bias{i}"] = layer.bias.detach().numpy().astype(np.float32)
    np.savez_compressed(path, **arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mocap", nargs="+", help="packed motion capture to train on (.npz.xz)")
    parser.add_argument("--held", help="packed motion capture only to measure on")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=3000)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    takes = [take for path in args.mocap for take in load_takes(Path(path))]
    held = load_takes(Path(args.held)) if args.held else takes[:20]
    save(train(takes, held, args.clips, args.steps, args.seed), args.out)


if __name__ == "__main__":
    main()
