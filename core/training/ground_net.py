"""Trains the senses of balance and of the feet that ``core.ground`` runs.

    python -m lift_to_3d.core.training.ground_net TRAIN.npz.xz ... --held VAL.npz.xz

Motion capture is filmed by random cameras, detected with more or less noise and lifted by the
shipped models, then taken through the same steps as at run time. What was lifted is kept in
``--work`` for each model, so that a run that was cut goes on, and one with other settings need not
lift again.
About an hour on two cores, most of it lifting.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from scipy.linalg import block_diag
from scipy.spatial.transform import Rotation
from torch import Tensor, nn

from ..ground import balance, feet
from ..ground.body import body_of
from ..ground.bones import FEET
from ..ground.gravity import CAMERA_UP, fused
from ..ground.perceptron import WEIGHTS
from ..mixste.backend import open_backend
from ..mixste.model import Model, find_model
from ..motion import Pose
from .capture import Take, load_takes
from .ground_clips import Clip, Lifted, Range, film, lifted, shares, shelf, varied

_HERTZ = 12.5  # looks a second
_LOOKS = 24  # looks of one clip in a batch
_CLIPS = 32  # clips in a batch
_WIDTH = 64  # units in the first layer
_FEET_NETS = 4  # whose mean is the sense of the feet
_STILL = 0.15  # how often a clip is drawn in which a foot only stands; one of half-and-half, 1.15
_CAPTURED = 0.4  # share of the clips that are also looked at as captured
_PERFECT = 0.4  # share of the clips that the detector sees perfectly
_NOISE = (0.3, 1.3)
_UNKNOWN_LENS = 0.15  # share of the cameras whose field of view is assumed
_OTHER_JOINTS = 0.5  # share of the detectors that mean other joints than the capture
_UNUSUAL = 0.4  # share of the cameras that are held in unusual ways
_WIDE: tuple[Range, Range] = ((-25.0, 55.0), (-25.0, 25.0))
_USUAL: tuple[Range, Range] = ((-10.0, 40.0), (-15.0, 15.0))
_OFF = 3.0  # degrees: up is wrong by this when the feet are judged


@dataclass(frozen=True)
class Example:
    """One clip as `ground` looks at it.

    Attributes:
        features: (looks, features) of the sense of balance.
        directions: (looks, clues, 3) likewise.
        up: (3,) the truth.
        feet: (looks, 2, features) of the sense of the feet.
        stands: (looks, 2) the truth, 0 or 1.
    """

    features: Tensor
    directions: Tensor
    up: Tensor
    feet: Tensor
    stands: Tensor


class Perceptron(nn.Module):
    """Layers of ever fewer units; features are brought to mean 0 and deviation 1 first."""

    def __init__(self, examples: list[Tensor], answers: int) -> None:
        super().__init__()
        rows = torch.cat([one.flatten(0, -2) for one in examples])
        self.mean = nn.Buffer(rows.mean(0))
        self.deviation = nn.Buffer(rows.std(0) + 0.02)
        self.layers = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(rows.shape[1], _WIDTH), nn.SiLU(),
            nn.Dropout(0.1), nn.Linear(_WIDTH, _WIDTH // 2), nn.SiLU(),
            nn.Linear(_WIDTH // 2, answers),
        )  # fmt: skip

    def forward(self, features: Tensor) -> Tensor:
        """(..., features) to (..., answers)."""
        features = (features - self.mean) / self.deviation
        if self.training:
            features = features + 0.1 * torch.randn_like(features)
        return self.layers(features)

    def arrays(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Weight and bias of each layer, for features as they come."""
        linear = [m for m in self.layers if isinstance(m, nn.Linear)]
        layers = [(m.weight.detach().numpy().T, m.bias.detach().numpy()) for m in linear]
        weight, bias = layers[0]
        weight = weight / self.deviation.numpy()[:, None]
        return [(weight, bias - self.mean.numpy() @ weight), *layers[1:]]


def save(nets: list[Perceptron], path: Path) -> None:
    """Write networks as one that gives the mean of their answers."""
    first, *middle, last = zip(*(net.arrays() for net in nets), strict=True)
    weights = [
        np.hstack([weight for weight, _ in first]),
        *(block_diag(*(weight for weight, _ in layer)) for layer in middle),
        np.vstack([weight for weight, _ in last]) / len(nets),
    ]
    biases = [np.concatenate([bias for _, bias in layer]) for layer in (first, *middle)]
    biases.append(np.mean([bias for _, bias in last], axis=0))
    arrays = {f"weight{i}": weight for i, weight in enumerate(weights)}
    np.savez_compressed(path, **arrays, **{f"bias{i}": bias for i, bias in enumerate(biases)})


def standing_feet(world: np.ndarray, fps: float) -> np.ndarray:
    """(frames, 2) bool: the foot rests on the floor, or on a step below the body.

    Args:
        world: (frames, 17, 3) captured metres, Z up.
        fps: frames a second.
    """
    ankles = world[:, FEET]
    rise = ankles[..., 2]
    slow = np.linalg.norm(np.gradient(ankles, 1 / fps, axis=0), axis=-1) < 0.3
    low = rise < np.percentile(rise.min(1), 5) + 0.05
    step = (rise < rise.min(1, keepdims=True) + 0.05) & (world[:, :1, 2] - rise > 0.6)
    return slow & (low | step)


def example(clip: Clip, pose: Pose, rng: np.random.Generator) -> Example:
    """Look at the clip as `ground` does."""
    body = body_of(pose, clip.track, 1.70, "light")
    path = body.path()
    every = max(1, round(body.fps / _HERTZ))
    looks = slice(int(rng.integers(every)), None, every)
    features, directions = balance.observe(body.joints, path, body.fps)
    off = Rotation.from_rotvec(np.radians(_OFF) * rng.normal(size=3)).as_matrix()
    arrays = (
        features[looks],
        directions[looks],
        clip.up,
        feet.observe(body, path, off @ clip.up)[looks],
        standing_feet(clip.world, body.fps)[looks],
    )
    return Example(*(torch.from_numpy(a).float() for a in arrays))


def examples(clips: list[Lifted], captured: float, seed: int) -> list[Example]:
    """All clips as lifted, and a share of them as captured."""
    rng = np.random.default_rng(seed)
    out = []
    for clip, pose in clips:
        out.append(example(clip, pose, rng))
        if rng.random() < captured:
            out.append(example(clip, clip.pose, rng))
    return out


def filmed(
    takes: list[Take], model: Model, unusual: float, unknown: float, other_joints: float
) -> Callable[[np.random.Generator], Lifted]:
    """What makes one clip: drawn by `shares`, filmed and lifted.

    Args:
        takes: what happens.
        model: the lifter.
        unusual: share of the cameras that are held in unusual ways.
        unknown: share of those whose field of view is assumed.
        other_joints: share of the detectors that mean other joints than the capture.
    """
    share, run = shares(takes), open_backend(model, "cpu")

    def make(rng: np.random.Generator) -> Lifted:
        take = varied(takes[rng.choice(len(takes), p=share)], rng)
        noise = 0.0 if rng.random() < _PERFECT else float(rng.uniform(*_NOISE))
        pitch, roll = _WIDE if rng.random() < unusual else _USUAL
        clip = film(take, rng, noise, pitch, roll, rng.random() < other_joints)
        if rng.random() < unknown:
            clip = replace(clip, track=replace(clip.track, fov=None))
        return lifted(clip, model.card, run)

    return make


def looks(
    clips: list[Example], share: np.ndarray, rng: np.random.Generator
) -> list[tuple[Example, Tensor]]:
    """Random clips, drawn by their shares, and random looks of each."""
    drawn = [clips[i] for i in rng.choice(len(clips), _CLIPS, p=share)]
    return [(c, torch.from_numpy(rng.integers(len(c.stands), size=_LOOKS))) for c in drawn]


def angles(answers: Tensor, directions: Tensor, up: Tensor) -> Tensor:
    """(...) radians between what the (..., looks, clues) votes say together and (..., 3) up."""
    votes = (answers[..., None] * directions).sum(-2)
    off = (fused(votes, torch.tensor(CAMERA_UP)) - up).norm(dim=-1)
    return 2 * torch.asin((off / 2).clamp(max=0.999))


def balance_loss(net: Perceptron, batch: list[tuple[Example, Tensor]]) -> Tensor:
    """Mean angle between up as voted and the truth."""
    features = torch.stack([one.features[at] for one, at in batch])
    directions = torch.stack([one.directions[at] for one, at in batch])
    angle = angles(net(features), directions, torch.stack([one.up for one, _ in batch]))
    return torch.sqrt(angle**2 + 0.03**2).mean()


def feet_loss(net: Perceptron, batch: list[tuple[Example, Tensor]]) -> Tensor:
    """Cross-entropy of the feet that stand."""
    answers = net(torch.stack([one.feet[at] for one, at in batch]))[..., 0]
    stands = torch.stack([one.stands[at] for one, at in batch])
    return nn.functional.binary_cross_entropy_with_logits(answers, stands)


def balance_report(net: Perceptron, held: list[Example]) -> str:
    """Figures on clips not trained on."""
    off = [float(angles(net(one.features), one.directions, one.up)) for one in held]
    middle, most = np.percentile(np.degrees(off), (50, 90))
    return f"up, median {middle:.2f} deg, 90 % {most:.2f} deg"


def feet_report(net: Perceptron, held: list[Example]) -> str:
    """Figures on clips not trained on."""
    found = torch.cat([net(one.feet)[..., 0] for one in held]) > 0
    truth = torch.cat([one.stands for one in held]) > 0.5
    return f"feet, F1 {2 * float((found & truth).sum()) / float(found.sum() + truth.sum()):.3f}"


def train(
    net: Perceptron,
    loss: Callable[[Perceptron, list[tuple[Example, Tensor]]], Tensor],
    report: Callable[[Perceptron, list[Example]], str],
    clips: list[Example],
    share: np.ndarray,
    held: list[Example],
    steps: int,
    seed: int,
) -> Perceptron:
    """The running mean of the network's weights."""
    rng = np.random.default_rng(seed)
    average = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
    )
    kept = cast(Perceptron, average.module).eval()
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=0.2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps)
    for step in range(1, steps + 1):
        loss(net.train(), looks(clips, share, rng)).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        average.update_parameters(net)
        if step % 500 == 0 or step == steps:
            with torch.no_grad():
                print(f"step {step}: {report(kept, held)}", flush=True)
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the senses of balance and of the feet.")
    parser.add_argument("mocap", nargs="+", type=Path, help="packed motion capture to train on")
    parser.add_argument("--held", type=Path, required=True, help="packed capture to measure on")
    parser.add_argument(
        "--model",
        nargs="+",
        default=["default", "fast"],
        help="the lifters, names or .onnx files; the first one's poses are measured on",
    )
    parser.add_argument("--work", type=Path, default=Path("checkpoints/ground"))
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="folder of the weights")
    parser.add_argument("--clips", type=int, default=2000, help="for each lifter")
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)  # more only wait for each other on matrices this small

    models = [find_model(name) for name in args.model]
    work = [args.work / f"{m.card.name}-{_digest(m)}" for m in models]
    make = filmed(load_takes(args.held), models[0], 0.0, 0.0, _OTHER_JOINTS)
    held = examples(shelf(work[0] / "held", 120, make, 1), 0.0, 1)
    takes = [take for path in args.mocap for take in load_takes(path)]
    clips = []
    for seed, (model, folder) in enumerate(zip(models, work, strict=True), args.seed):
        make = filmed(takes, model, _UNUSUAL, _UNKNOWN_LENS, _OTHER_JOINTS)
        clips += examples(shelf(folder / "train", args.clips, make, seed), _CAPTURED, seed)

    share = np.full(len(clips), 1 / len(clips))
    torch.manual_seed(args.seed)
    net = Perceptron([one.features for one in clips], balance.CLUES)
    net = train(net, balance_loss, balance_report, clips, share, held, args.steps, args.seed)
    save([net], args.out / "balance.npz")
    stands = np.array([float(one.stands.mean()) for one in clips])
    share = _STILL + 4 * stands * (1 - stands)
    nets = []
    for seed in range(args.seed, args.seed + _FEET_NETS):
        torch.manual_seed(seed)
        net = Perceptron([one.feet for one in clips], 1)
        nets.append(
            train(net, feet_loss, feet_report, clips, share / share.sum(), held, args.steps, seed)
        )
    save(nets, args.out / "feet.npz")


def _digest(model: Model) -> str:
    return hashlib.sha256(model.onnx.read_bytes()).hexdigest()[:8]


if __name__ == "__main__":
    main()
