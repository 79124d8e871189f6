"""How sure a lifted joint is: the error to be expected of it, from what can be seen without truth.

Some joints are harder than others, some moments are harder, and four signs tell which: windows
that disagree, keypoints that pull the network's answer away, a detector that is unsure, and a bone
that points at the camera or away from it. A model's card says how much each of them counts.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

from .skeleton import H36M

SIGNS = 5
_CERTAIN = 0.15  # metres of expected error at which confidence has fallen to 1/e
_NOTHING = 0.004  # metres; less is no sign of anything


def signs(
    network: np.ndarray,
    fitted: np.ndarray,
    apart: np.ndarray,
    seen: np.ndarray,
    stride: int,
) -> np.ndarray:
    """What tells of a joint's error.

    Args:
        network: (frames, 17, 3) metres, relative to the pelvis, as the network has them.
        fitted: the same as `core.reprojection.fitted` has them.
        apart: (frames, 17) metres by which the windows disagree.
        seen: (frames, 17) the detector's confidence, 0 where missing.
        stride: of the windows.

    Returns:
        (frames, 17, 5): log of the disagreement; log of the fit's correction, of the joint and in
        the mean of all; the detector's confidence; share of the joint's bone that is depth.
    """
    moved = np.linalg.norm(fitted - network, axis=-1)
    moved = np.log(np.maximum(uniform_filter1d(moved, 4 * stride + 1, axis=0), 0) + _NOTHING)
    everywhere = np.broadcast_to(moved[:, 1:].mean(1, keepdims=True), moved.shape)
    parents, joints = np.array(H36M.bones).T
    bone = fitted[:, joints] - fitted[:, parents]
    depth = np.zeros_like(moved)
    depth[:, joints] = np.abs(bone[..., 2]) / np.maximum(np.linalg.norm(bone, axis=-1), 1e-9)
    return np.stack([np.log(apart + _NOTHING), moved, everywhere, seen, depth], -1)


def expected_error(
    found: np.ndarray, joint_errors: tuple[float, ...], sign_weights: tuple[float, ...]
) -> np.ndarray:
    """(frames, 17) metres.

    Args:
        found: (frames, 17, 5) `signs`.
        joint_errors: (17,) metres, of every joint where all signs are 0.
        sign_weights: (5,) how the logarithm of the error grows with each sign.
    """
    return np.array(joint_errors) * np.exp(found @ np.array(sign_weights))


def confidence(error: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(frames, 17) 0..1, falling with the expected error in metres; 0 where nothing was seen."""
    return np.where(seen > 0, np.exp(-error / _CERTAIN), 0)


def calibrate(found: np.ndarray, error: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """``joint_errors`` and ``sign_weights`` that foretell known errors with least squares of logs.

    Args:
        found: (frames, 17, 5) `signs`.
        error: (frames, 17) metres.
    """
    joints = np.broadcast_to(np.eye(17), (len(found), 17, 17))
    system = np.concatenate([joints, found], -1)[:, 1:]
    system = system.reshape(-1, 17 + SIGNS)[:, 1:]  # the root is the origin and has no error
    known = np.log(error[:, 1:].ravel() + _NOTHING)
    fit = np.linalg.lstsq(system, known, rcond=None)[0].round(4)
    return (0.0, *np.exp(fit[:16]).round(5).tolist()), tuple(fit[16:].tolist())
