"""One body for the whole clip: constant bone lengths, scaled to the person's height."""

from __future__ import annotations

import numpy as np

from ..skeleton import H36M

ANKLE_HEIGHT = 0.08
"""Height of the ankle joint above the floor in standing, metres."""

FEET = [6, 3]
"""Left and right ankle."""

# A standing person is a little shorter than the bones laid end to end: nobody stands like a ruler.
_STANDING = 0.985

_PARENTS = np.array(H36M.parents)


def bone_lengths(joints: np.ndarray, confidence: np.ndarray, height: float) -> np.ndarray:
    """The clip's own proportions at the given height.

    Args:
        joints: (frames, 17, 3) metres or any other unit.
        confidence: (frames, 17); joints of confidence 0 are left out.
        height: of the person from floor to crown, metres.

    Returns:
        (17,) metres, the length of the bone that ends in each joint, equal left and right, 0 for
        the pelvis. Lengths are medians over the frames.
    """
    seen = (confidence > 0) & (confidence[:, _PARENTS] > 0)
    lengths = _medians(joints - joints[:, _PARENTS], seen)
    lengths = (lengths + lengths[list(H36M.mirrored)]) / 2
    lengths[0] = 0
    crown = _medians(joints[:, 10:11] - joints[:, 8:9], seen[:, 9:10] & seen[:, 10:11])[0]
    chain = lengths[[2, 3, 7, 8]].sum() + crown
    return lengths * (height / _STANDING - ANKLE_HEIGHT) / max(float(chain), 1e-6)


def _medians(bones: np.ndarray, seen: np.ndarray) -> np.ndarray:
    sizes = np.linalg.norm(bones, axis=-1)
    some = seen.any(0)
    sizes = np.where(seen | ~some, sizes, np.nan)
    return np.nanmedian(sizes, axis=0)


def leg_length(joints: np.ndarray) -> float:
    """Mean length of a leg, in the unit of (frames, 17, 3) joints."""
    return float(np.linalg.norm(np.diff(joints[:, [1, 2, 3]], axis=1), axis=-1).sum(1).mean())


def directions(joints: np.ndarray) -> np.ndarray:
    """(..., 17, 3) unit vectors from every joint's parent to it; zero for the pelvis.

    A bone of no length points along x.
    """
    bones = joints - joints[..., _PARENTS, :]
    sizes = np.linalg.norm(bones, axis=-1, keepdims=True)
    units = np.where(sizes > 1e-9, bones / np.maximum(sizes, 1e-9), (1.0, 0.0, 0.0))
    units[..., 0, :] = 0
    return units


def assemble(directions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(..., 17, 3) joints relative to the pelvis from bone directions and (17,) lengths."""
    bones = directions * lengths[:, None]
    joints = np.zeros_like(bones)
    for parent, joint in H36M.bones:
        joints[..., joint, :] = joints[..., parent, :] + bones[..., joint, :]
    return joints
