"""How good a model is on people, cameras and detectors that it never saw.

Virtual captures go the whole road of a real one: simulated detections become a `Track` in pixels,
which is lifted like any other. The cameras are the same for every model (one seed a clip).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.stats import rankdata

from ..confidence import calibrate
from ..lift import lift, lift_joints
from ..mixste.backend import Run
from ..mixste.model import ModelCard
from ..motion import Pose
from ..skeleton import COCO, H36M
from ..track import Track
from .cameras import random_cameras
from .capture import Take, load_takes
from .detector import detect, keypoints
from .metrics import acceleration, joint_errors, mpjpe, mpjve, n_mpjpe, p_mpjpe, wrong_limbs

_PICTURE_HEIGHT = 1080
LIMBS = (1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16)
"""Shoulders, elbows, wrists, hips, knees, ankles: what every reference has."""


@dataclass(frozen=True)
class Clip:
    """A clip with known truth.

    Attributes:
        track: what the detector gave.
        truth: (frames, 17, 3) metres, root-relative, camera axes.
    """

    track: Track
    truth: np.ndarray


@dataclass(frozen=True)
class Score:
    """Errors over a set of clips, weighted by frames; mm unless said otherwise.

    Attributes:
        clips: number of clips.
        frames: number of frames.
        mpjpe: protocol 1.
        p_mpjpe: protocol 2, after the best similarity transform of each frame.
        n_mpjpe: protocol 3, after the best scale of each frame.
        mpjve: velocity error, mm a frame.
        jitter: mean acceleration over the truth's.
        wrong_limbs: share of the frames in which an arm or leg bone points > 90° from the truth.
        rank: Spearman correlation of 1 - confidence with the error, joint by joint.
        frozen_worse: clips on which holding the first frame's true pose would have been better.
        joints: MPJPE of every joint.
    """

    clips: int
    frames: int
    mpjpe: float
    p_mpjpe: float
    n_mpjpe: float
    mpjve: float
    jitter: float
    wrong_limbs: float
    rank: float
    frozen_worse: tuple[str, ...]
    joints: dict[str, float]


def virtual_clips(path: Path, noise: float, seed: int = 0, longest: int = 500) -> Iterable[Clip]:
    """Every take of a capture file through one virtual camera with a known field of view.

    Args:
        path: packed capture.
        noise: of the simulated detector, 0 sees perfectly.
        seed: of cameras and noise.
        longest: frames of a clip at most; the middle of longer takes.
    """
    for number, take in enumerate(load_takes(path)):
        yield virtual_clip(take, noise, seed * 100_003 + number, longest)


def virtual_clip(take: Take, noise: float, seed: int, longest: int) -> Clip:
    """One take through one virtual camera, see `virtual_clips`."""
    random = torch.Generator().manual_seed(seed)
    first = max(0, (len(take.joints) - longest) // 2)
    joints = torch.from_numpy(take.joints[first : first + longest])[None]
    centre = joints[:, :, 0].mean(1)
    cameras = random_cameras(1, random, known_focal=1.0).stepped_back(joints, centre)
    camera = cameras.place(joints, centre)
    seen, confidence = detect(
        cameras.place(keypoints(joints, random), centre), cameras, noise, random, knot=12, cell=50
    )
    half = cameras.half[0].numpy()
    focal = _PICTURE_HEIGHT / 2 / half[1]
    size = (round(float(focal * half[0] * 2)), _PICTURE_HEIGHT)
    found = confidence[0].numpy().astype(float)
    xy = seen[0].numpy().astype(float) * focal + np.array(size) / 2
    xy[found == 0] = np.nan
    fov = float(np.degrees(2 * np.arctan(size[0] / 2 / focal)))
    track = Track(xy, found, COCO, take.fps, size, fov=fov, name=take.name)
    return Clip(track, (camera - camera[:, :, :1])[0].numpy())


def score(
    clips: Iterable[Clip],
    model: str = "default",
    device: str = "auto",
    flip: bool | None = None,
    prepare: Callable[[Track], Track] | None = None,
    told: Callable[[tuple[Clip, Pose]], None] | None = None,
) -> Score:
    """Lift all clips and compare with the truth.

    Args:
        clips: what to lift.
        model: see `core.lift.lift`.
        device: see `core.lift.lift`.
        flip: see `core.lift.lift`.
        prepare: done to every track before lifting, such as `core.clean.clean`.
        told: called with every clip and what it was lifted to.
    """
    rows, errors, doubts, frozen = [], [], [], []
    for clip in clips:
        track = prepare(clip.track) if prepare else clip.track
        pose = lift(track, model=model, device=device, flip=flip)
        error = joint_errors(pose.joints, clip.truth)
        held = np.broadcast_to(clip.truth[:1], clip.truth.shape)
        if mpjpe(held, clip.truth) < error.mean() and len(error) > 1:
            frozen.append(track.name)
        rows.append(_row(pose.joints, clip.truth, track.fps))
        errors.append(error)
        doubts.append(1 - pose.confidence)
        if told:
            told((clip, pose))
    lengths = [len(e) for e in errors]
    mean = {k: float(np.average([r[k] for r in rows], weights=lengths)) for k in rows[0]}
    error, doubt = np.concatenate(errors), np.concatenate(doubts)
    return Score(
        clips=len(rows),
        frames=sum(lengths),
        **mean,
        rank=_rank_correlation(doubt[:, 1:], error[:, 1:]),
        frozen_worse=tuple(frozen),
        joints={n: round(float(e), 1) for n, e in zip(H36M.names, error.mean(0), strict=True)},
    )


def calibrated(card: ModelCard, clips: Iterable[Clip], run: Run) -> ModelCard:
    """A model's card with what its confidence is made from, by its errors on these clips."""
    errors, doubts = [], []
    for clip in clips:
        joints, found = lift_joints(clip.track, card, run)
        errors.append(np.linalg.norm(joints - clip.truth, axis=-1))
        doubts.append(found)
    joint_errors, sign_weights = calibrate(np.concatenate(doubts), np.concatenate(errors))
    return replace(card, joint_errors=joint_errors, sign_weights=sign_weights)


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def _row(predicted: np.ndarray, truth: np.ndarray, fps: float) -> dict[str, float]:
    return {
        "mpjpe": mpjpe(predicted, truth),
        "p_mpjpe": p_mpjpe(predicted, truth),
        "n_mpjpe": n_mpjpe(predicted, truth),
        "mpjve": mpjve(predicted, truth),
        "jitter": acceleration(predicted, fps) / max(acceleration(truth, fps), 1e-6),
        "wrong_limbs": float(wrong_limbs(predicted, truth).mean()),
    }
