"""Training batches: captured motion through virtual cameras and simulated detectors.

Everything is made on the device that trains, from capture that lies there as a whole, so that a
GPU is never kept waiting. A batch depends on nothing but the seed and its number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..mixste.view import to_view, view_rotation
from ..skeleton import INPUT_MATRIX, INPUT_NEEDED, network_joints
from .augment import mirrored, other_bodies, other_poses
from .cameras import Cameras, random_cameras
from .capture import load_takes
from .constants import constant, indices
from .detector import detect, keypoints, redefined

_MATRIX = tuple(map(tuple, INPUT_MATRIX.tolist()))
_NEEDED = tuple(INPUT_NEEDED.tolist())
_FAULTS = 41  # frames in which a detector's fault may happen once


@dataclass(frozen=True)
class Capture:
    """All takes of one file on the training device.

    Attributes:
        joints: (frames, 17, 3) float32, world metres, all takes one after another.
        start: (frames,) int64, for each frame the first frame of its take.
        stop: (frames,) int64, the frame behind the last of its take.
        weight: share of the windows that is drawn from this file.
        fps: frames a second.
    """

    joints: Tensor
    start: Tensor
    stop: Tensor
    weight: float
    fps: float


@dataclass(frozen=True)
class Batch:
    """What a training step needs.

    Attributes:
        inputs: (batch, frames, 17, 3) x, y and confidence, see `core.mixste.view.to_view`.
        targets: (batch, frames, 17, 3) metres, root-relative, in the axes of the view.
    """

    inputs: Tensor
    targets: Tensor


def load_capture(path: Path, weight: float, device: torch.device) -> Capture:
    """A packed capture file on the training device."""
    takes = load_takes(path)
    lengths = torch.tensor([len(t.joints) for t in takes])
    stop = lengths.cumsum(0)
    return Capture(
        joints=torch.cat([torch.from_numpy(t.joints) for t in takes]).to(device),
        start=(stop - lengths).repeat_interleave(lengths).to(device),
        stop=stop.repeat_interleave(lengths).to(device),
        weight=weight,
        fps=takes[0].fps,
    )


def random_batch(
    captures: list[Capture],
    batch: int,
    frames: int,
    rate: tuple[float, float],
    noise: float,
    random: torch.Generator,
    steep: float = 0.0,
    other_joints: float = 0.0,
) -> Batch:
    """Windows of captured motion as the network will see them.

    Args:
        captures: where from.
        batch: number of windows.
        frames: frames of a window.
        rate: lowest and highest frame rate of a window, frames a second; drawn evenly in log.
        noise: of the simulated detector, see `core.training.detector.detect`.
        random: source of randomness, on the device that the capture lies on.
        steep: share of steep cameras, see `core.training.cameras.random_cameras`.
        other_joints: share of windows whose detector means other joints than the capture.
    """
    joints = _random_windows(captures, batch, frames, rate, random)
    chosen = torch.rand(batch, generator=random, device=joints.device) < 0.5
    joints = mirrored(joints, chosen)
    joints = other_bodies(other_poses(joints, 0.5, random), random)
    points = keypoints(joints, random)
    if other_joints:
        other = torch.rand(batch, generator=random, device=joints.device) < other_joints
        points = torch.where(other[:, None, None, None], redefined(points, random), points)
    return view_batch(joints, points, random_cameras(batch, random, steep=steep), noise, random)


def view_batch(
    joints: Tensor, points: Tensor, cameras: Cameras, noise: float, random: torch.Generator
) -> Batch:
    """World joints and keypoints on them, (batch, frames, 17, 3), seen by one camera each."""
    centre = joints[:, :, 0].mean(1)
    cameras = cameras.stepped_back(joints, centre)
    rays, confidence = detect(
        cameras.place(points, centre),
        cameras,
        noise,
        random,
        cell=min(_FAULTS, joints.shape[1]),
    )
    matrix, needed = constant(_MATRIX, rays.device), constant(_NEEDED, rays.device)
    rays, confidence = network_joints(rays, confidence, matrix, needed)
    rays = rays / cameras.focal_error[:, None, None, None]
    inputs, axis = to_view(rays, confidence, indices((0, 1, 0), rays.device))
    camera = cameras.place(joints, centre)
    targets = (camera - camera[:, :, :1]) @ view_rotation(axis).transpose(1, 2)[:, None]
    return Batch(inputs, targets)


def _random_windows(
    captures: list[Capture],
    batch: int,
    frames: int,
    rate: tuple[float, float],
    random: torch.Generator,
) -> Tensor:
    """(batch, frames, 17, 3), cut at random; every fifth runs backwards in time."""
    device = captures[0].joints.device
    total = sum(capture.weight for capture in captures)
    counts = [round(capture.weight / total * batch) for capture in captures]
    counts[0] += batch - sum(counts)
    offsets = torch.arange(frames, device=device) - (frames - 1) / 2
    parts = []
    for capture, count in zip(captures, counts, strict=True):
        draw = torch.rand(4, count, generator=random, device=device)
        low, high = (math.log(r) for r in rate)
        stride = capture.fps / (low + (high - low) * draw[0]).exp()
        stride = torch.where(draw[1] < 0.2, -stride, stride)
        centre = (draw[2] * len(capture.joints)).long()
        at = centre[:, None] + (stride[:, None] * offsets + draw[3][:, None]).round().long()
        at = at.clamp(capture.start[centre][:, None], capture.stop[centre][:, None] - 1)
        parts.append(capture.joints[at])
    return torch.cat(parts)
