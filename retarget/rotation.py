"""Rotations of whole clips: matrices (..., 3, 3) on columns, quaternions (..., 4) w, x, y, z.

All functions broadcast over leading axes; angles are radians.
"""

from __future__ import annotations

import numpy as np

_TINY = 1e-12


def unit(v: np.ndarray) -> np.ndarray:
    """(..., n) scaled to length 1; a zero vector stays zero."""
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), _TINY)


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(..., 3) times (..., 3) to (..., 1), ready to scale vectors with."""
    return np.sum(a * b, axis=-1, keepdims=True)


def reject(v: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The part of v (..., 3) at right angles to the unit vector axis (..., 3)."""
    return v - dot(v, axis) * axis


def turn(rotation: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) rotated by matrices (..., 3, 3)."""
    return (rotation @ v[..., None])[..., 0]


def transpose(rotation: np.ndarray) -> np.ndarray:
    """The inverse of rotation matrices (..., 3, 3)."""
    return np.swapaxes(rotation, -1, -2)


def columns(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Matrices (..., 3, 3) from their columns (..., 3)."""
    return np.stack(np.broadcast_arrays(x, y, z), axis=-1)


def frame(primary: np.ndarray, secondary: np.ndarray) -> np.ndarray:
    """Right-handed matrices: first column along `primary`, second leaning to `secondary`."""
    x = unit(primary)
    y = unit(reject(secondary, x))
    return columns(x, y, np.cross(x, y))


def cross_matrix(v: np.ndarray) -> np.ndarray:
    """The matrix (..., 3, 3) that takes a vector's cross product with v (..., 3) on its left."""
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    o = np.zeros_like(x)
    rows = [[o, -z, y], [z, o, -x], [-y, x, o]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def swing(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The smallest rotation (..., 3, 3) that takes unit vectors `start` to `end` (..., 3).

    Between opposite vectors, where it is not unique: half a turn about an axis near Z.
    """
    start, end = np.broadcast_arrays(start, end)
    cosine = dot(start, end)[..., None]
    k = cross_matrix(np.cross(start, end))
    rotation = np.eye(3) + k + k @ k / np.maximum(1 + cosine, _TINY)
    opposite = cosine < -1 + 1e-10
    if not opposite.any():
        return rotation
    z_like = np.where(np.abs(start[..., 2:]) > 0.9, [1.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    axis = unit(reject(z_like, start))
    half_turn = 2 * axis[..., :, None] * axis[..., None, :] - np.eye(3)
    return np.where(opposite, half_turn, rotation)


def about(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) about unit axes (..., 3) by angles (...)."""
    angle = np.asarray(angle)[..., None, None]
    k = cross_matrix(axis)
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def to_quaternion(rotation: np.ndarray) -> np.ndarray:
    """Unit quaternions (..., 4) of rotation matrices (..., 3, 3)."""
    m = rotation
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    # Four times the products of the quaternion's parts: any row is the quaternion, scaled by
    # one part; the row of the largest part is the exact one.
    wx, wy, wz = (
        m[..., 2, 1] - m[..., 1, 2],
        m[..., 0, 2] - m[..., 2, 0],
        m[..., 1, 0] - m[..., 0, 1],
    )
    xy, xz, yz = (
        m[..., 0, 1] + m[..., 1, 0],
        m[..., 0, 2] + m[..., 2, 0],
        m[..., 1, 2] + m[..., 2, 1],
    )
    squares = np.stack([1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz], -1)
    rows = [
        [squares[..., 0], wx, wy, wz],
        [wx, squares[..., 1], xy, xz],
        [wy, xy, squares[..., 2], yz],
        [wz, xz, yz, squares[..., 3]],
    ]
    outer = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    largest = np.argmax(squares, axis=-1)[..., None, None]
    return unit(np.take_along_axis(outer, largest, axis=-2)[..., 0, :])


def to_matrix(quaternion: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4)."""
    w, v = quaternion[..., :1, None], quaternion[..., 1:]
    k = cross_matrix(v)
    return np.eye(3) + 2 * w * k + 2 * (k @ k)


def continuous(quaternions: np.ndarray) -> np.ndarray:
    """Signs chosen so that neighbours in time lie in one hemisphere; (frames, ..., 4)."""
    agree = np.sum(quaternions[1:] * quaternions[:-1], axis=-1, keepdims=True) >= 0
    signs = np.cumprod(np.where(agree, 1.0, -1.0), axis=0)
    first = np.where(quaternions[:1, ..., :1] < 0, -1.0, 1.0)
    return quaternions * np.concatenate([first, first * signs])


def to_vector(rotation: np.ndarray) -> np.ndarray:
    """Rotation vectors (..., 3), axis times angle in 0..pi."""
    q = to_quaternion(rotation)
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, q[..., :1])
    return q[..., 1:] * np.where(sine > _TINY, angle / np.maximum(sine, _TINY), 2.0)


def from_vector(vector: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) of rotation vectors (..., 3)."""
    angle = np.linalg.norm(vector, axis=-1)
    return about(vector / np.maximum(angle, _TINY)[..., None], angle)


def part(rotation: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """The rotations (..., 3, 3) carried out to the given share of their angle."""
    return from_vector(to_vector(rotation) * np.asarray(share)[..., None])


def between(start: np.ndarray, end: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) on the shortest way from `start` (share 0) to `end` (share 1)."""
    return start @ part(transpose(start) @ end, share)
