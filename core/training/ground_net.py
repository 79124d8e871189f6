"""Trains the sense of balance that ``core.ground.senses`` runs.

    python -m lift_to_3d.core.training.ground_net TRAIN.npz.xz ... --held VAL.npz.xz \
        --out core/ground/senses.npz

Some ten minutes on one core. Motion capture is filmed by random cameras, spoilt as a lifter spoils
it, taken through the same steps as at run time, and the network learns two things at once: votes
whose sum over a clip points up, and which foot stands.
"""

from __future__ import annotations

import argparse
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from scipy.ndimage import binary_opening
from torch import Tensor, nn

from ..ground.body import body_of
from ..ground.bones import FEET
from ..ground.senses import CLUES, observe
from ..skeleton import H36M
from .capture import Take, load_takes
from .ground_clips import LIFTER, Mistakes, film

_HERTZ = 10  # looks a second
_LOOKS = 24  # looks of one clip in a batch
_CLIPS = 32  # clips in a batch
_PITCH, _ROLL = (-25.0, 55.0), (-25.0, 25.0)


@dataclass(frozen=True)
class Example:
    """One filmed clip: (looks, features), (looks, clues, 3), (3,) up, (looks, 2) feet."""

    features: Tensor
    directions: Tensor
    up: Tensor
    feet: Tensor


class Balance(nn.Module):
    """Weighs a frame's directions by how they lie to one another."""

    def __init__(self, features: int, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(0.2), nn.Linear(features, width), nn.SiLU(),
            nn.Dropout(0.2), nn.Linear(width, width // 2), nn.SiLU(),
            nn.Linear(width // 2, CLUES + 2),
        )  # fmt: skip

    def forward(self, features: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        """(..., 3) votes for up, (..., 2) logits of the feet."""
        answer = self.layers(features)
        return (answer[..., :CLUES, None] * directions).sum(-2), answer[..., CLUES:]

    def save(self, path: Path, mean: Tensor, deviation: Tensor) -> None:
        """The layers as plain arrays, for features as they come."""
        linear = [m for m in self.layers if isinstance(m, nn.Linear)]
        arrays = {}
        for i, layer in enumerate(linear):
            weight, bias = layer.weight.detach().T, layer.bias.detach()
            if i == 0:
                weight = weight / deviation[:, None]
                bias = bias - mean @ weight
            arrays[f"weight{i}"], arrays[f"bias{i}"] = weight.numpy(), bias.numpy()
        np.savez_compressed(path, **arrays)


def standing_feet(world: np.ndarray, fps: float) -> np.ndarray:
    """(frames, 2) bool: the foot rests on the floor, or on a step below the body.

    Args:
        world: (frames, 17, 3) captured metres, Z up, ankles stand at 0.08.
        fps: frames a second.
    """
    ankles = world[:, FEET]
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
    out[..., 2] += np.median(joints[:, FEET, 2].min(1) - out[:, FEET, 2].min(1))
    if rng.random() < 0.5:
        out = out[:, list(H36M.mirrored)] * (-1.0, 1.0, 1.0)
    return replace(take, joints=out)


def cut(take: Take, rng: np.random.Generator) -> Take:
    """Two to twelve seconds of the take, from anywhere in it."""
    wanted = round(rng.uniform(2, 12) * take.fps)
    start = rng.integers(max(1, len(take.joints) - wanted + 1))
    return replace(take, joints=take.joints[start : start + wanted])


def example(take: Take, rng: np.random.Generator) -> Example:
    """Film a part of the take and look at it as `ground` does."""
    take = vary(cut(take, rng), rng)
    part = rng.uniform(0, 1.3)
    clip = film(take, rng, Mistakes(*(part * value for value in astuple(LIFTER))), _PITCH, _ROLL)
    body = body_of(clip.pose, clip.track, 1.70, "light")
    features, directions = observe(body.joints, body.path(), take.fps)
    every = max(1, round(take.fps / _HERTZ))
    looks = slice(int(rng.integers(every)), None, every)
    arrays = (features, directions, clip.up, standing_feet(clip.world, take.fps))
    features, directions, up, feet = (torch.from_numpy(a).float() for a in arrays)
    return Example(features[looks], directions[looks], up, feet[looks])


def shares(takes: list[Take]) -> np.ndarray:
    """(takes,) how often to draw each: an action by the root of its length, not to drown others."""
    lengths = np.array([len(t.joints) for t in takes], float)
    total = {t.action: 0.0 for t in takes}
    for take, length in zip(takes, lengths, strict=True):
        total[take.action] += length
    share = lengths / np.sqrt(np.array([total[t.action] for t in takes]))
    return share / share.sum()


def films(takes: list[Take], count: int, rng: np.random.Generator) -> list[Example]:
    """So many clips, drawn by `shares`."""
    drawn = rng.choice(len(takes), size=count, p=shares(takes))
    examples = []
    for n, i in enumerate(drawn):
        examples.append(example(takes[i], rng))
        if n % 200 == 199:
            print(f"filmed {n + 1} of {count}", flush=True)
    return examples


def batch(examples: list[Example], rng: np.random.Generator) -> tuple[Tensor, ...]:
    """Features, directions, up and feet of random looks, one row a clip."""
    rows = []
    for i in rng.integers(len(examples), size=_CLIPS):
        one = examples[i]
        looks = torch.from_numpy(rng.integers(len(one.features), size=_LOOKS))
        rows.append((one.features[looks], one.directions[looks], one.up, one.feet[looks]))
    return tuple(torch.stack(column) for column in zip(*rows, strict=True))


def angles(votes: Tensor, up: Tensor) -> Tensor:
    """(clips,) radians between the summed (clips, looks, 3) votes and (clips, 3) up."""
    total = nn.functional.normalize(votes.sum(-2), dim=-1)
    return 2 * torch.asin(((total - up).norm(dim=-1) / 2).clamp(max=0.999))


def report(net: Balance, held: list[Example], mean: Tensor, deviation: Tensor) -> str:
    """Figures on clips not trained on."""
    net.eval()
    degrees, right, wrong = [], 0, 0
    with torch.no_grad():
        for one in held:
            votes, feet = net((one.features - mean) / deviation, one.directions)
            degrees.append(float(torch.rad2deg(angles(votes, one.up))))
            found, truth = feet > 0, one.feet > 0.5
            right += int((found & truth).sum())
            wrong += int((found != truth).sum())
    middle, most = np.percentile(degrees, (50, 90))
    f1 = 2 * right / (2 * right + wrong)
    return f"median {middle:.2f} deg, 90 % {most:.2f} deg, feet F1 {f1:.3f}"


def train(
    examples: list[Example], held: list[Example], steps: int, rng: np.random.Generator
) -> tuple[Balance, Tensor, Tensor]:
    """The averaged network, and the mean and deviation of the features that it wants removed."""
    torch.set_num_threads(1)  # more only wait for each other on matrices this small
    features = torch.cat([e.features for e in examples])
    mean, deviation = features.mean(0), features.std(0) + 0.02
    net = Balance(features.shape[1])
    average = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
    )
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=0.5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps)
    for step in range(1, steps + 1):
        seen, directions, up, feet = batch(examples, rng)
        net.train()
        votes, answer = net((seen - mean) / deviation + 0.2 * torch.randn_like(seen), directions)
        angle = torch.sqrt(angles(votes, up) ** 2 + 0.03**2).mean()
        (5 * angle + nn.functional.binary_cross_entropy_with_logits(answer, feet)).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        average.update_parameters(net)
        if step % 500 == 0 or step == steps:
            kept = cast(Balance, average.module)
            print(f"step {step}: {report(kept, held, mean, deviation)}", flush=True)
    return cast(Balance, average.module), mean, deviation


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the sense of balance of `ground`.")
    parser.add_argument("mocap", nargs="+", type=Path, help="packed motion capture to train on")
    parser.add_argument("--held", type=Path, required=True, help="packed capture to measure on")
    parser.add_argument("--out", type=Path, required=True, help="the weights, .npz")
    parser.add_argument("--clips", type=int, default=2400)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    torch.manual_seed(args.seed)
    held = films(load_takes(args.held), 100, np.random.default_rng(1))
    examples = films([take for path in args.mocap for take in load_takes(path)], args.clips, rng)
    net, mean, deviation = train(examples, held, args.steps, rng)
    net.save(args.out, mean, deviation)


if __name__ == "__main__":
    main()
