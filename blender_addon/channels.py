"""Whole-clip rotations: resampled, and written the way a bone wants them, without flips.

Quaternions are (frames, bones, 4), w, x, y, z, continuous in time.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation


def sample_times(frames: int, fps: float, target_fps: float) -> np.ndarray:
    """Source frames, fractional, at which a clip is read when played at another rate."""
    count = int(np.floor((frames - 1) * target_fps / fps + 1e-6)) + 1
    return np.minimum(np.arange(count) * (fps / target_fps), frames - 1)


def interpolate_vectors(vectors: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(frames, ...) vectors read at fractional frames, along straight lines."""
    before, after, share = _neighbours(times, len(vectors), vectors.ndim)
    return vectors[before] * (1 - share) + vectors[after] * share


def interpolate_quaternions(quaternions: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(frames, bones, 4) quaternions read at fractional frames, along the shortest arcs."""
    before, after, share = _neighbours(times, len(quaternions), quaternions.ndim)
    first, second = quaternions[before], quaternions[after]
    cosine = np.clip(np.sum(first * second, axis=-1, keepdims=True), -1, 1)
    angle = np.arccos(cosine)
    sine = np.where(angle < 1e-4, 1, np.sin(angle))
    near = angle < 1e-4
    mixed = first * np.where(near, 1 - share, np.sin((1 - share) * angle) / sine)
    mixed += second * np.where(near, share, np.sin(share * angle) / sine)
    return mixed / np.linalg.norm(mixed, axis=-1, keepdims=True)


def to_euler(quaternions: np.ndarray, order: str) -> np.ndarray:
    """(frames, bones, 4) to (frames, bones, 3) radians X, Y, Z in Blender's rotation ``order``.

    Of the two sets of angles that mean the same rotation the nearer to the frame before is
    taken, whole turns included.
    """
    frames, bones, _ = quaternions.shape
    xyzw = np.roll(quaternions, -1, axis=-1).reshape(-1, 4)
    axes = ["XYZ".index(axis) for axis in order]
    first = Rotation.from_quat(xyzw).as_euler(order.lower()).reshape(frames, bones, 3)
    second = first * (1, -1, 1) + np.pi
    angles = first.copy()
    for frame in range(1, frames):
        previous = angles[frame - 1]
        near = [previous + _half_turn(way[frame] - previous) for way in (first, second)]
        costs = [np.abs(way - previous).sum(axis=-1, keepdims=True) for way in near]
        angles[frame] = np.where(costs[0] <= costs[1], near[0], near[1])
    out = np.empty_like(angles)
    out[..., axes] = angles
    return out


def to_axis_angle(quaternions: np.ndarray) -> np.ndarray:
    """(frames, bones, 4) to (frames, bones, 4): angle in radians, then the axis.

    Through the rest pose, where any axis will do, the axis is kept and the angle changes sign.
    """
    out = np.empty_like(quaternions)
    sine = np.linalg.norm(quaternions[..., 1:], axis=-1, keepdims=True)
    axis = np.tile([0.0, 1.0, 0.0], (*quaternions.shape[1:2], 1))
    for frame, quaternion in enumerate(quaternions):
        clear = sine[frame] > 1e-6
        raw = np.where(clear, quaternion[..., 1:] / np.where(clear, sine[frame], 1), axis)
        sign = np.where(np.sum(raw * axis, axis=-1, keepdims=True) < 0, -1, 1)
        axis = raw * sign if frame else raw
        signed = sine[frame] * (sign if frame else 1)
        out[frame, :, :1] = 2 * np.arctan2(signed, quaternion[..., :1])
        out[frame, :, 1:] = axis
    out[..., 0] = np.unwrap(out[..., 0], axis=0)
    return out


def to_matrices(values: np.ndarray, mode: str) -> np.ndarray:
    """(..., channels) values of a bone in a rotation mode to (..., 3, 3), as Blender reads them."""
    if mode == "QUATERNION":
        return Rotation.from_quat(np.roll(values, -1, axis=-1)).as_matrix()
    if mode == "AXIS_ANGLE":
        axis = values[..., 1:] / np.linalg.norm(values[..., 1:], axis=-1, keepdims=True)
        return Rotation.from_rotvec(axis * values[..., :1]).as_matrix()
    axes = ["XYZ".index(axis) for axis in mode]
    return Rotation.from_euler(mode.lower(), values[..., axes]).as_matrix()


def _half_turn(angle: np.ndarray) -> np.ndarray:
    return (angle + np.pi) % (2 * np.pi) - np.pi


def _neighbours(
    times: np.ndarray, frames: int, dimensions: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    before = np.clip(np.floor(times).astype(int), 0, max(frames - 2, 0))
    share = (times - before).reshape(-1, *[1] * (dimensions - 1))
    return before, np.minimum(before + 1, frames - 1), share
