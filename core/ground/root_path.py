"""Where the person is: the pelvis in camera metres, from how large and where the body appears.

With the focal length known, a joint at body-relative ``p`` seen along the ray ``(x, y, 1)`` gives
two equations that are linear in the pelvis ``r``: ``r_x - x r_z = x p_z - p_x``, and likewise in
y. Over a clip, with the acceleration held small, that is one banded least-squares problem, solved
a few times with the weight of joints that disagree taken down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

# Trust in each joint as a landmark, Human3.6M order. Detectors put nose and head elsewhere than
# the 3D skeleton does; pelvis, spine and thorax are means of others.
_TRUST = np.array([0, 0.7, 1, 1, 0.7, 1, 1, 0, 0, 0, 0, 1, 0.6, 0.4, 1, 0.6, 0.4])

_NEAREST = 0.3  # metres in front of the camera
_ROUNDS = 4


@dataclass(frozen=True)
class Looseness:
    """How well things are known; each is a standard deviation.

    Attributes:
        joint: of a joint's place against its ray, metres.
        acceleration: of the pelvis, metres a second squared.
        memory: seconds over which a joint's error stays the same.
    """

    joint: float = 0.04
    acceleration: float = 2.0
    memory: float = 0.2


def rays(xy: np.ndarray, focal: float, size: tuple[int, int]) -> np.ndarray:
    """(..., 2) x/z and y/z of the viewing rays of (..., 2) pixels; principal point in the middle."""
    return (xy - np.array(size) / 2) / focal


def root_path(
    joints: np.ndarray,
    rays: np.ndarray,
    confidence: np.ndarray,
    fps: float,
    looseness: Looseness = Looseness(),  # noqa: B008 (frozen)
) -> np.ndarray:
    """The pelvis over the clip.

    Args:
        joints: (frames, 17, 3) metres, camera axes, relative to the pelvis.
        rays: (frames, 17, 2) from `rays`.
        confidence: (frames, 17), 0 where a joint was not seen; frames that see nobody are bridged.
        fps: frames a second.
        looseness: how well things are known.

    Returns:
        (frames, 3) camera metres.
    """
    trust = np.sqrt(np.clip(confidence, 0, 1)) * _TRUST
    if not (trust > 0).any():
        trust = np.ones_like(trust) * _TRUST
    rays = np.where(trust[..., None] > 0, rays, 0.0)
    weight = trust / looseness.joint**2 / max(1.0, looseness.memory * fps)
    smooth = _acceleration_band(len(joints), fps, looseness.acceleration)
    root = np.zeros((len(joints), 3))
    disagreement = np.ones_like(trust)
    for _ in range(_ROUNDS):
        normal, right = _normal_equations(joints, rays, weight * disagreement)
        root = _solve(smooth, normal, right)
        root[:, 2] = np.maximum(root[:, 2], _NEAREST)
        miss = _misses(joints, rays, root)
        disagreement = 1 / (1 + (miss / (3 * looseness.joint)) ** 2)
    return root


def _misses(joints: np.ndarray, rays: np.ndarray, root: np.ndarray) -> np.ndarray:
    placed = joints + root[:, None]
    return np.linalg.norm(placed[..., :2] - rays * placed[..., 2:], axis=-1)


def _normal_equations(
    joints: np.ndarray, rays: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(frames, 3, 3) and (frames, 3): each frame's own least squares for the pelvis."""
    zero, one = np.zeros_like(weight), np.ones_like(weight)
    rows = np.stack(
        [np.stack([one, zero, -rays[..., 0]], -1), np.stack([zero, one, -rays[..., 1]], -1)], -2
    )
    targets = rays * joints[..., 2:] - joints[..., :2]
    normal = np.einsum("tj,tjki,tjkl->til", weight, rows, rows)
    return normal, np.einsum("tj,tjki,tjk->ti", weight, rows, targets)


def _acceleration_band(frames: int, fps: float, deviation: float) -> np.ndarray:
    """(7, 3 frames) upper band of the penalty on second differences, x, y, z interleaved."""
    band = np.zeros((7, frames, 3))
    if frames > 2:
        weight = (fps**2 / deviation) ** 2 / max(1.0, fps)
        for i, a in enumerate((1, -2, 1)):
            for j, b in enumerate((1, -2, 1)):
                if j >= i:
                    band[6 - 3 * (j - i), j : frames - 2 + j] += weight * a * b
    elif frames == 2:
        band[6] += 1
        band[3, 1:] -= 1
    return band.reshape(7, -1)


def _solve(smooth: np.ndarray, normal: np.ndarray, right: np.ndarray) -> np.ndarray:
    band = smooth.copy()
    frames = len(normal)
    for i in range(3):
        for j in range(i, 3):
            band[6 - (j - i), j::3] += normal[:, i, j]
    band[6] += 1e-6
    return solveh_banded(band, right.reshape(-1)).reshape(frames, 3)
