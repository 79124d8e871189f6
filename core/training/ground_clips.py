"""Motion capture before a virtual camera, detected and lifted: what `ground` is made for.

Camera axes: x right, y down, z forward. Everything is drawn from the generator given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ..clean import clean
from ..ground.bones import FEET
from ..lift import lift_joints, network_rays
from ..mixste.backend import Run
from ..mixste.model import ModelCard
from ..motion import Pose
from ..skeleton import COCO, H36M
from ..track import Track
from .cameras import Cameras
from .capture import Take
from .detector import detect, keypoints, redefined

_SIZES = ((1920, 1080), (1080, 1920), (1280, 720), (1000, 1000))
_BOX = 40  # clips in a file
_PITCH, _ROLL = (-10.0, 40.0), (-15.0, 15.0)

Range = tuple[float, float]
"""Lowest and highest, degrees."""


@dataclass(frozen=True)
class Clip:
    """What a camera sees of a take, and the truth.

    Attributes:
        track: as detected.
        world: (frames, 17, 3) true world metres as captured, Z up.
        view: (3, 3) world axes to camera axes.
        place: (3,) the world's origin, camera metres.
    """

    track: Track
    world: np.ndarray
    view: np.ndarray
    place: np.ndarray

    @property
    def joints(self) -> np.ndarray:
        """(frames, 17, 3) true camera metres."""
        return self.world @ self.view.T + self.place

    @property
    def up(self) -> np.ndarray:
        """(3,) true direction of up, camera axes."""
        return self.view[:, 2]

    @property
    def pose(self) -> Pose:
        """The captured pose: what a lifter without faults would say."""
        joints = self.joints
        joints = (joints - joints[:, :1]).astype(np.float32)
        return Pose(joints, np.ones(joints.shape[:2], np.float32), self.track.fps, self.track.name)


class Lifted(NamedTuple):
    """A clip, its track cleaned, and its pose as a model lifted it."""

    clip: Clip
    pose: Pose


def film(
    take: Take,
    rng: np.random.Generator,
    noise: float = 0.0,
    pitch: Range = _PITCH,
    roll: Range = _ROLL,
    other_joints: bool = False,
) -> Clip:
    """Film a take with a static random camera that keeps the person in the picture.

    Args:
        take: what happens.
        rng: source of all chance.
        noise: of the simulated detector, see `core.training.detector.detect`.
        pitch: of the camera; positive looks down.
        roll: of the camera.
        other_joints: the detector means joints that lie a little elsewhere than the capture's.
    """
    world = take.joints.astype(float)
    view = _view(rng, pitch, roll)
    turned = world @ view.T
    size = _SIZES[rng.integers(len(_SIZES))]
    fov = rng.uniform(35, 75)
    focal = size[0] / 2 / np.tan(np.radians(fov) / 2)
    half = np.array(size) / 2 / focal
    place = -view @ (world[:, 0].min(0) + world[:, 0].max(0)) / 2
    turned += place
    needed = (np.abs(turned[..., :2]) / half - turned[..., 2:]).max()
    place[2] += max(needed * rng.uniform(1.05, 1.6), 1.0 - turned[..., 2].min())
    seed = int(rng.integers(2**31))
    rays, confidence = _detected(take, view, place, half, noise, other_joints, seed)
    xy = np.where(confidence[..., None] > 0, rays * focal + np.array(size) / 2, np.nan)
    track = Track(xy, confidence, COCO, take.fps, size, fov=fov, name=take.name)
    return Clip(track, world, view, place)


def lifted(clip: Clip, card: ModelCard, run: Run) -> Lifted:
    """The clip cleaned and lifted, as a user's file is, by a model that is open already."""
    track = clean(clip.track)
    joints, _ = lift_joints(track, card, run)
    seen = (network_rays(track)[1] > 0).astype(np.float32)
    pose = Pose(joints.astype(np.float32), seen, track.fps, track.name)
    return Lifted(replace(clip, track=track), pose)


def shares(takes: list[Take]) -> np.ndarray:
    """(takes,) how often to draw each: an action by the root of its length, not to drown others."""
    lengths = np.array([len(t.joints) for t in takes], float)
    total = {t.action: 0.0 for t in takes}
    for take, length in zip(takes, lengths, strict=True):
        total[take.action] += length
    share = lengths / np.sqrt(np.array([total[t.action] for t in takes]))
    return share / share.sum()


def varied(take: Take, rng: np.random.Generator) -> Take:
    """One to ten seconds of the take on another body, perhaps mirrored or at half the rate."""
    wanted = round(np.exp(rng.uniform(0, np.log(10))) * take.fps)
    start = rng.integers(max(1, len(take.joints) - wanted + 1))
    every = 1 if rng.random() < 0.25 else 2
    joints = take.joints[start : start + wanted : every].astype(float)
    scale = np.exp(rng.normal(0, 0.05, 17))
    scale[list(H36M.left)] = scale[list(H36M.right)]
    out = joints.copy()
    for parent, joint in H36M.bones:
        out[:, joint] = out[:, parent] + scale[joint] * (joints[:, joint] - joints[:, parent])
    out[..., 2] += np.median(joints[:, FEET, 2].min(1) - out[:, FEET, 2].min(1))
    if rng.random() < 0.5:
        out = out[:, list(H36M.mirrored)] * (-1.0, 1.0, 1.0)
    return replace(take, joints=out, fps=take.fps / every)


def shelf(
    folder: Path, count: int, make: Callable[[np.random.Generator], Lifted], seed: int
) -> list[Lifted]:
    """So many clips from a folder; those that are missing are made and put there.

    Args:
        folder: of this kind of clips; files of `_BOX` clips each, which depend on the seed and
            their number alone, so that work that was cut goes on where it was.
        count: how many clips.
        make: one clip.
        seed: of all chance.
    """
    folder.mkdir(parents=True, exist_ok=True)
    clips: list[Lifted] = []
    for number in range(-(-count // _BOX)):
        path = folder / f"{seed}-{number:03d}.npz"
        if not path.exists():
            rng = np.random.default_rng([seed, number])
            save([make(rng) for _ in range(_BOX)], path)
            print(f"{path}: filmed and lifted {(number + 1) * _BOX} of {count}", flush=True)
        clips += load(path)
    return clips[:count]


def save(clips: Sequence[Lifted], path: Path) -> None:
    """Write clips into one file; never left half written."""
    rows = [(c.clip, c.pose, c.clip.track) for c in clips]
    arrays = {
        "lifted": np.concatenate([pose.joints for _, pose, _ in rows]),
        "seen": np.concatenate([pose.confidence for _, pose, _ in rows]),
        "xy": np.concatenate([track.xy for *_, track in rows]).astype(np.float32),
        "confidence": np.concatenate([track.confidence for *_, track in rows]).astype(np.float32),
        "world": np.concatenate([clip.world for clip, *_ in rows]).astype(np.float32),
        "view": np.stack([clip.view for clip, *_ in rows]),
        "place": np.stack([clip.place for clip, *_ in rows]),
        "frames": np.array([track.frames for *_, track in rows]),
        "fps": np.array([track.fps for *_, track in rows]),
        "size": np.array([track.size for *_, track in rows]),
        "fov": np.array([track.fov or np.nan for *_, track in rows]),
        "name": np.array([track.name for *_, track in rows]),
    }
    part = path.with_name("part.npz")
    np.savez(part, **arrays)
    part.replace(path)


def load(path: Path) -> list[Lifted]:
    """The clips of a file that `save` wrote."""
    with np.load(path, allow_pickle=False) as file:
        one = {name: file[name] for name in file.files}
    ends = np.cumsum(one["frames"])[:-1]
    parts = (np.split(one[n], ends) for n in ("lifted", "seen", "xy", "confidence", "world"))
    clips = []
    for i, (joints, seen, xy, confidence, world) in enumerate(zip(*parts, strict=True)):
        width, height = one["size"][i].tolist()
        fps, fov, name = float(one["fps"][i]), float(one["fov"][i]), str(one["name"][i])
        track = Track(
            xy.astype(float),
            confidence.astype(float),
            COCO,
            fps,
            (width, height),
            fov=None if np.isnan(fov) else fov,
            name=name,
        )
        clip = Clip(track, world.astype(float), one["view"][i], one["place"][i])
        clips.append(Lifted(clip, Pose(joints, seen, fps, name)))
    return clips


def _view(rng: np.random.Generator, pitch: Range, roll: Range) -> np.ndarray:
    """(3, 3) world to camera; at rest the camera looks along world +Y."""
    level = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    turn = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True).as_matrix()
    tilt = Rotation.from_euler("x", rng.uniform(*pitch), degrees=True).as_matrix()
    spin = Rotation.from_euler("z", rng.uniform(*roll), degrees=True).as_matrix()
    return spin @ tilt @ level @ turn


def _detected(
    take: Take,
    view: np.ndarray,
    place: np.ndarray,
    half: np.ndarray,
    noise: float,
    other_joints: bool,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """(frames, 17, 2) rays and (frames, 17) confidence of COCO's keypoints."""
    random = torch.Generator().manual_seed(seed)
    rotation, at = torch.from_numpy(view)[None], torch.from_numpy(place)[None]
    cameras = Cameras(rotation, at, torch.from_numpy(half)[None], torch.ones(1))
    world = torch.from_numpy(take.joints.astype(float))[None]
    points = keypoints(world, random)
    if other_joints:
        points = redefined(points, random)
    points = cameras.place(points, torch.zeros(1, 3, dtype=torch.double))
    second = max(4, round(take.fps))
    rays, confidence = detect(points, cameras, noise, random, knot=second // 4, cell=second)
    return rays[0].double().numpy(), confidence[0].double().numpy()
