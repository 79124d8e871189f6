"""Lifted joints fitted to the rays on which they were seen, and to bones that keep their lengths.

The network knows how far away a joint is about as well as where it is across the picture, but
across the picture the detector knows better, and a bone seen shorter than it is must point towards
the camera or away from it. The network says which; the fit says how far. The trunk follows its
hips and shoulders.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import savgol_filter

from .skeleton import H36M

_LIMBS = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]
_HIPS, _SHOULDERS = [1, 4], [11, 14]
_BONES = [b for b in H36M.bones if b[0] in _LIMBS] + [tuple(_HIPS), tuple(_SHOULDERS)]
_MIRRORED_BONES = [
    _BONES.index((a, b)) if (a, b) in _BONES else _BONES.index((b, a))
    for a, b in ((H36M.mirrored[p], H36M.mirrored[j]) for p, j in _BONES)
]

# What a joint or a bone may be off by, metres: 1 over the square is a term's weight.
_SEEN = 0.012  # across a ray, of a joint seen with full confidence
_ACROSS = 0.03  # across the picture, by the network
_DEPTH = 0.1  # along the ray, by the network
_BONE_DEPTH = 0.06  # along the ray, from one end of a bone to the other, by the network
_LENGTH = 0.01  # from a bone's usual length in the clip

_FARTHEST = 0.15  # metres; a joint that lies further off was not seen where it is
_STEADY = 0.1  # seconds over which the person's distance is averaged
_FEWEST = 4.0  # confidences, added up, that a frame's position may rest on
_NEAREST = 0.3  # metres from the camera
_ROUNDS = 4  # of Gauss and Newton
_AT_ONCE = 2048  # frames that are solved together, which bounds the memory


def fitted(
    joints: np.ndarray, rays: np.ndarray, confidence: np.ndarray, fps: float, stride: int
) -> np.ndarray:
    """Lifted joints corrected by the keypoints that they were lifted from.

    Args:
        joints: (frames, 17, 3) metres, camera axes, relative to the pelvis.
        rays: (frames, 17, 2) x/z and y/z where the joints were seen, camera axes.
        confidence: (frames, 17) 0..1, 0 where missing.
        fps: frames a second.
        stride: of the windows; corrections are smoothed over four strides.

    Returns:
        (frames, 17, 3), relative to the pelvis again.
    """
    root, steady = _root(joints, rays, confidence, fps)
    if not steady.any():
        return joints
    camera = joints + root[:, None]
    limbs, trust = camera[:, _LIMBS], np.clip(confidence[:, _LIMBS], 0, 1)
    trust = trust * steady[:, None] * (limbs[..., 2] > _NEAREST)
    ray = _unit(np.concatenate([rays[:, _LIMBS], np.ones_like(limbs[..., :1])], -1))
    lengths = _lengths(camera)
    move = np.zeros_like(camera)
    for start in range(0, len(camera), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        move[part, _LIMBS] = _solved(limbs[part], ray[part], trust[part], lengths) - limbs[part]
    width = 4 * stride + 1
    if len(move) > width:
        move = np.asarray(savgol_filter(move, width, 2, axis=0))
    hips, shoulders = move[:, _HIPS].mean(1), move[:, _SHOULDERS].mean(1)
    move[:, 0], move[:, 7] = hips, (hips + shoulders) / 2
    move[:, 8:11] = shoulders[:, None]
    moved = camera + move
    return moved - moved[:, :1]


def _lengths(joints: np.ndarray) -> np.ndarray:
    """(bones,) metres: the clip's median of each bone, equal left and right."""
    first, last = np.array(_BONES).T
    length = np.median(np.linalg.norm(joints[:, last] - joints[:, first], axis=-1), axis=0)
    return (length + length[_MIRRORED_BONES]) / 2


def _solved(
    start: np.ndarray, ray: np.ndarray, trust: np.ndarray, lengths: np.ndarray
) -> np.ndarray:
    """Limb joints at the least squared misfit, all frames by themselves.

    Args:
        start: (frames, joints, 3) by the network, camera metres.
        ray: (frames, joints, 3) unit, where they were seen.
        trust: (frames, joints) 0..1 in that.
        lengths: (bones,) metres.
    """
    bones = np.zeros((len(_BONES), len(_LIMBS)))
    for row, (first, last) in enumerate(_BONES):
        bones[row, _LIMBS.index(first)], bones[row, _LIMBS.index(last)] = -1, 1
    each = np.eye(len(_LIMBS))

    aside = np.linalg.norm(start - (start * ray).sum(-1, keepdims=True) * ray, axis=-1)
    trust = trust**2 * np.minimum(1, _FARTHEST / np.maximum(aside, 1e-9))
    along = _outer(_unit(start))
    across_ray = (np.eye(3) - _outer(ray)) * (trust / _SEEN)[..., None, None] ** 2
    believed = along / _DEPTH**2 + (np.eye(3) - along) / _ACROSS**2
    vectors = bones @ start
    in_depth = _outer(_unit((abs(bones) / 2) @ start)) / _BONE_DEPTH**2
    matrix, right = (
        sum(parts)
        for parts in zip(
            _term(each, across_ray, np.zeros_like(start)),
            _term(each, believed, start),
            _term(bones, in_depth, vectors),
            strict=True,
        )
    )
    joints = start
    for _ in range(_ROUNDS):
        direction = _unit(vectors)
        more, target = _term(bones, _outer(direction) / _LENGTH**2, direction * lengths[:, None])
        joints = np.linalg.solve(matrix + more, (right + target)[..., None])
        vectors = bones @ joints.reshape(start.shape)
    return joints.reshape(start.shape)


def _term(
    rows: np.ndarray, weight: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Normal equations of: ``rows @ joints`` shall be ``target``, as far as ``weight`` says.

    Args:
        rows: (terms, joints).
        weight: (frames, terms, 3, 3).
        target: (frames, terms, 3).

    Returns:
        (frames, 3 joints, 3 joints) and (frames, 3 joints).
    """
    frames, size = len(target), 3 * rows.shape[1]
    pairs = np.einsum("ki,kj->kij", rows, rows).reshape(len(rows), -1)
    blocks = np.einsum("kp,tkxy->tpxy", pairs, weight, optimize=True)
    blocks = blocks.reshape(frames, rows.shape[1], rows.shape[1], 3, 3).swapaxes(2, 3)
    right = rows.T @ (weight @ target[..., None])[..., 0]
    return blocks.reshape(frames, size, size), right.reshape(frames, size)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _outer(vectors: np.ndarray) -> np.ndarray:
    return vectors[..., :, None] * vectors[..., None, :]


def _root(
    joints: np.ndarray, rays: np.ndarray, confidence: np.ndarray, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    """The pelvis in camera metres by least squares on reprojection, frame by frame.

    Returns:
        (frames, 3), and (frames,) bool whether enough was seen to tell.
    """
    weight, seen, limbs = (v[:, _LIMBS] for v in (confidence, rays, joints))
    known = weight.sum(1) >= _FEWEST
    if not known.any():
        return np.zeros((len(joints), 3)), known
    system = np.zeros((*seen.shape, 3))
    system[..., 0, 0] = system[..., 1, 1] = 1
    system[..., 2] = -seen
    offset = seen * limbs[..., 2:] - limbs[..., :2]
    system = (system * weight[..., None, None]).reshape(len(joints), -1, 3)
    offset = (offset * weight[..., None]).reshape(len(joints), -1, 1)
    square = system.swapaxes(1, 2) @ system + 1e-6 * np.eye(3)
    root = np.linalg.solve(square, system.swapaxes(1, 2) @ offset)[..., 0]
    frames = np.arange(len(root))
    depth = np.interp(frames, frames[known], root[known, 2])
    root[:, 2] = gaussian_filter1d(depth, _STEADY * fps, mode="nearest")
    return root, known
