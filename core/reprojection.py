"""Lifted joints drawn towards the rays on which they were seen.

The network knows how far away a joint is about as well as where it is across the picture, but
across the picture the detector knows better. So each limb joint is moved sideways, never in depth,
towards its ray; the more confident the detector, the further. The trunk follows its hips and
shoulders.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import savgol_filter

_LIMBS = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]
_HIPS, _SHOULDERS = [1, 4], [11, 14]
_SHARE = 0.8
_FARTHEST = 0.15  # metres; a joint that lies further off was not seen where it is
_STEADY = 0.1  # seconds over which the person's distance is averaged
_FEWEST = 4.0  # confidences, added up, that a frame's position may rest on
_NEAREST = 0.3  # metres from the camera


def drawn_to_rays(
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
    camera = joints + root[:, None]
    ray = np.concatenate([rays, np.ones_like(rays[..., :1])], -1)
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    aside = (camera * ray).sum(-1, keepdims=True) * ray - camera
    distance = np.linalg.norm(aside, axis=-1, keepdims=True)
    trust = _SHARE * np.clip(confidence, 0, 1)[..., None] ** 2
    trust *= np.minimum(1, _FARTHEST / np.maximum(distance, 1e-9))
    trust *= (steady[:, None, None]) & (camera[..., 2:] > _NEAREST)
    move = np.zeros_like(camera)
    move[:, _LIMBS] = (trust * aside)[:, _LIMBS]
    width = 4 * stride + 1
    if len(move) > width:
        move = np.asarray(savgol_filter(move, width, 2, axis=0))
    hips, shoulders = move[:, _HIPS].mean(1), move[:, _SHOULDERS].mean(1)
    move[:, 0], move[:, 7] = hips, (hips + shoulders) / 2
    move[:, 8:11] = shoulders[:, None]
    moved = camera + move
    return moved - moved[:, :1]


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
