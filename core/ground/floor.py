"""The world: Z up, starting to face -Y, the floor at zero and nobody below it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from .bones import ANKLE_HEIGHT, FEET

_LOWEST = 0.03  # metres: no joint is thinner than that above the floor
_RAISING = 0.1  # seconds
_THICK = 0.08  # metres: feet that stand at one level are found at heights that differ by this
_SOME = 0.2  # a level is stood on by this share of those that stand on the fullest
_STAY = 0.5  # seconds
_BELOW = 0.3  # metres below the feet that stand: the person came down there, standing unnoticed


def world_axes(joints: np.ndarray, up: np.ndarray) -> np.ndarray:
    """(3, 3) rotation from camera axes to world axes in which the clip starts facing -Y.

    Args:
        joints: (frames, 17, 3) metres, camera axes: the frames whose mean facing counts.
        up: (3,) unit vector, camera axes.
    """
    across = (joints[:, 11] - joints[:, 14]) + (joints[:, 4] - joints[:, 1])
    back = -np.cross(across, up).sum(0)
    if np.linalg.norm(back) < 1e-6:
        back = np.cross(up, (1.0, 0.0, 0.0)) + np.cross(up, (0.0, 0.0, 0.1))
    back /= np.linalg.norm(back)
    return np.stack([np.cross(back, up), back, up])


def floor_heights(joints: np.ndarray, stands: np.ndarray, fps: float) -> tuple[float, float]:
    """Height of the floor, and of the level that the person stands on most: mostly the same.

    The floor is under the lowest feet that stand: steps and ladders are stood on as well. Where
    nothing shows how it is stood on, it is under the lowest that the feet stay at.

    Args:
        joints: (frames, 17, 3) metres, Z up.
        stands: (frames, 2) probability that the left, the right foot stands.
        fps: frames a second.
    """
    ankles = joints[:, FEET, 2]
    lower = np.sort(ankles.min(1))
    stay = float(lower[min(round(_STAY * fps), len(lower) // 20)])
    planted = ankles[stands > 0.5]
    if len(planted) < 0.05 * len(ankles):
        return stay - ANKLE_HEIGHT, stay - ANKLE_HEIGHT
    heights = np.sort(planted)[:: max(1, len(planted) // 200)]
    crowd = (np.abs(planted - heights[:, None]) < _THICK).sum(1)
    floor = _centre(planted, float(heights[crowd > _SOME * crowd.max()][0]))
    most = _centre(planted, float(heights[crowd.argmax()]))
    if stay < floor - _BELOW:
        floor = stay
    return floor - ANKLE_HEIGHT, most - ANKLE_HEIGHT


def _centre(heights: np.ndarray, height: float) -> float:
    """The middle of the crowd of heights that this one is at the edge of."""
    for _ in range(3):
        height = float(np.median(heights[np.abs(heights - height) < _THICK]))
    return height


def raise_sunk(joints: np.ndarray, fps: float) -> np.ndarray:
    """Lift the body, smoothly, where a joint would be in the floor.

    Args:
        joints: (frames, 17, 3) metres, Z up, floor at 0.
        fps: frames a second.

    Returns:
        The same with every joint at least 3 cm above the floor.
    """
    sunk = np.maximum(_LOWEST - joints[..., 2].min(1), 0)
    if not sunk.any():
        return joints
    reach = max(1, round(2 * _RAISING * fps))
    widest = maximum_filter1d(sunk, 2 * reach + 1, mode="nearest")
    lift = gaussian_filter1d(widest, _RAISING * fps, mode="nearest", radius=reach)
    return joints + lift[:, None, None] * np.array([0.0, 0.0, 1.0])
