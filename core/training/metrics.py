"""Errors of lifted joints; arrays are (..., joints, 3) in metres, results in millimetres."""

from __future__ import annotations

import numpy as np

from ..skeleton import H36M


def joint_errors(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(..., joints) distance of every joint, mm."""
    return np.linalg.norm(predicted - target, axis=-1) * 1000


def mpjpe(predicted: np.ndarray, target: np.ndarray) -> float:
    """Mean per-joint position error (protocol 1)."""
    return float(joint_errors(predicted, target).mean())


def p_mpjpe(predicted: np.ndarray, target: np.ndarray) -> float:
    """MPJPE after the best similarity transform of each frame (protocol 2)."""
    return mpjpe(aligned(predicted, target), target)


def n_mpjpe(predicted: np.ndarray, target: np.ndarray) -> float:
    """MPJPE after the best scale of each frame (protocol 3)."""
    dot = (predicted * target).sum((-1, -2), keepdims=True)
    square = (predicted**2).sum((-1, -2), keepdims=True)
    return mpjpe(predicted * dot / np.maximum(square, 1e-12), target)


def mpjve(predicted: np.ndarray, target: np.ndarray) -> float:
    """Mean per-joint velocity error of whole clips (frames, joints, 3), mm a frame."""
    return mpjpe(np.diff(predicted, axis=0), np.diff(target, axis=0))


def acceleration(joints: np.ndarray, fps: float) -> float:
    """Mean size of the joints' acceleration over a clip, m/s²: the measure of jitter."""
    return float(np.linalg.norm(np.diff(joints, n=2, axis=0), axis=-1).mean() * fps**2)


def wrong_limbs(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(...) bool: frames in which any arm or leg bone points more than 90° from the truth."""
    limbs = [(p, j) for p, j in H36M.bones if j in (2, 3, 5, 6, 12, 13, 15, 16)]
    parent, child = (list(side) for side in zip(*limbs, strict=True))
    bone = predicted[..., child, :] - predicted[..., parent, :]
    true = target[..., child, :] - target[..., parent, :]
    return ((bone * true).sum(-1) < 0).any(-1)


def aligned(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Prediction moved, turned (never mirrored) and scaled onto the target, frame by frame."""
    scale, rotation = similarity(predicted, target)
    middle = predicted.mean(-2, keepdims=True)
    return scale * (predicted - middle) @ rotation + target.mean(-2, keepdims=True)


def similarity(predicted: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The scale (..., 1, 1) and rotation (..., 3, 3), for row vectors, of `aligned`."""
    p = predicted - predicted.mean(-2, keepdims=True)
    t = target - target.mean(-2, keepdims=True)
    u, s, vt = np.linalg.svd(np.swapaxes(p, -1, -2) @ t)
    sign = np.sign(np.linalg.det(u @ vt))
    s[..., -1] *= sign
    u[..., :, -1] *= sign[..., None]
    scale = s.sum(-1) / np.maximum((p**2).sum((-1, -2)), 1e-12)
    return scale[..., None, None], u @ vt
