"""Real captures as evaluation: triangulated markers (TRC) against one camera's lifted keypoints."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import MotionError, reason
from ..lift import lift
from ..skeleton import H36M
from ..track import Track
from .evaluate import LIMBS
from .metrics import acceleration, aligned, joint_errors, wrong_limbs

_MARKERS = {
    "hip": "Hip", "knee": "Knee", "ankle": "Ankle",
    "shoulder": "Shoulder", "elbow": "Elbow", "wrist": "Wrist",
}  # fmt: skip


@dataclass(frozen=True)
class RealScore:
    """How a lifted clip compares with a triangulated reference; limb joints only.

    Attributes:
        frames: frames compared.
        p_mpjpe: mm, after the best similarity transform of each frame.
        flat: mm, what the 2D keypoints themselves with depth 0 would score.
        jitter: mean acceleration over the reference's, after the same scale, in stretches of
            three and more frames.
        wrong_limbs: share of the frames in which an arm or leg bone points > 90° from the truth.
        joints: mm for each limb joint.
    """

    frames: int
    p_mpjpe: float
    flat: float
    jitter: float
    wrong_limbs: float
    joints: dict[str, float]


def read_trc(path: Path) -> tuple[np.ndarray, float]:
    """The limb joints of a TRC file: (frames, 17, 3) in its own axes, NaN elsewhere, and its rate.

    Raises:
        MotionError: it is not a TRC file, or limb markers are missing.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
        fps = float(lines[2].split("\t")[0])
        names = [n.strip() for n in lines[3].split("\t")[2:] if n.strip()]
        rows = [line.split("\t")[2 : 2 + 3 * len(names)] for line in lines[5:] if line.strip()]
        values = np.array([[float(c) if c.strip() else np.nan for c in row] for row in rows])
        markers = values.reshape(len(rows), len(names), 3)
        joints = np.full((len(rows), 17, 3), np.nan)
        for j in LIMBS:
            side, part = H36M.names[j].split("_")
            joints[:, j] = markers[:, names.index(side[0].upper() + _MARKERS[part])]
    except (OSError, ValueError, IndexError) as error:
        raise MotionError(
            f"{path}: not a TRC file with the limbs' markers ({reason(error)})."
        ) from error
    return joints, fps


@dataclass(frozen=True)
class RealAnswer:
    """What a model made of one camera's keypoints, and the reference beside it.

    Attributes:
        track: the keypoints.
        joints: (frames, 17, 3) lifted, camera axes.
        truth: (frames, 17, 3) in the reference's axes, NaN but for the limbs.
        seen: (frames,) bool, in which reference and keypoints have all limbs.
    """

    track: Track
    joints: np.ndarray
    truth: np.ndarray
    seen: np.ndarray


def lift_real(
    track: Track, truth: np.ndarray, model: str, device: str, flip: bool | None = None
) -> RealAnswer:
    """Lift a track, and put the reference of the same frames beside it.

    Args:
        track: one camera's keypoints, frame 0 that of the reference.
        truth: (frames, 17, 3) from `read_trc`.
        model: see `core.lift.lift`.
        device: see `core.lift.lift`.
        flip: see `core.lift.lift`.

    Raises:
        MotionError: reference and keypoints have no frame in common.
    """
    frames, limbs = min(track.frames, len(truth)), list(LIMBS)
    joints = lift(track, model=model, device=device, flip=flip).joints[:frames]
    xy, _ = track.select(tuple(H36M.names))
    both = np.concatenate([truth[:frames, limbs], xy[:frames, limbs]], -1)
    seen = np.isfinite(both).all((-1, -2))
    if not seen.any():
        raise MotionError(f"{track.name}: in no frame are all limbs seen and in the reference.")
    return RealAnswer(track, joints, truth[:frames], seen)


def score_real(answer: RealAnswer, fps: float) -> RealScore:
    """Compare a lifted track with its reference, which has so many frames a second."""
    limbs, seen = list(LIMBS), answer.seen
    xy, _ = answer.track.select(tuple(H36M.names))
    flat = np.concatenate([xy, np.zeros_like(xy[..., :1])], -1)[: len(seen)]
    lifted, target = answer.joints[:, limbs], answer.truth[:, limbs]
    fitted = aligned(lifted[seen], target[seen])
    scale = np.median(_size(target[seen]) / _size(lifted[seen]))
    whole = answer.truth[seen].copy()
    whole[:, limbs] = fitted
    error = joint_errors(fitted, target[seen])
    relative = target - target[:, [0, 3]].mean(1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        flat_error = joint_errors(aligned(flat[:, limbs][seen], target[seen]), target[seen])
    return RealScore(
        frames=int(seen.sum()),
        p_mpjpe=float(error.mean()),
        flat=float(flat_error.mean()),
        jitter=_acceleration(lifted * scale, seen, fps) / _acceleration(relative, seen, fps),
        wrong_limbs=float(wrong_limbs(whole, answer.truth[seen]).mean()),
        joints={H36M.names[j]: round(e, 1) for j, e in zip(limbs, error.mean(0), strict=True)},
    )


def _acceleration(joints: np.ndarray, seen: np.ndarray, fps: float) -> float:
    """`acceleration` over the stretches of frames that were seen; NaN where all are too short."""
    edges = np.flatnonzero(np.diff(seen, prepend=False, append=False))
    parts = [joints[a:b] for a, b in edges.reshape(-1, 2) if b - a > 2]
    weights = [len(part) - 2 for part in parts]
    if not parts:
        return float("nan")
    return float(np.average([acceleration(part, fps) for part in parts], weights=weights))


def _size(joints: np.ndarray) -> np.ndarray:
    """(frames,) root mean square distance from the middle."""
    middle = joints - joints.mean(-2, keepdims=True)
    return np.sqrt((middle**2).sum((-1, -2)))
