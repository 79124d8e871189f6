"""The world: Z up, floor at zero, starting at the origin and facing -Y."""

from __future__ import annotations

import numpy as np

from .bones import ANKLE_HEIGHT

_FEET = [6, 3]


def world_axes(joints: np.ndarray, up: np.ndarray) -> np.ndarray:
    """(3, 3) rotation from camera axes to world axes in which the clip starts facing -Y.

    Args:
        joints: (frames, 17, 3) metres, camera axes: the frames whose mean facing counts.
        up: (3,) unit vector, camera axes.
    """
    across = (joints[:, 11] - joints[:, 14]) + (joints[:, 4] - joints[:, 1])
    back = -np.cross(across, up).sum(0)
    if np.linalg.norm(back) < 1e-6:
        back = np.cross(up, (1.0, 0.0, 0.0))
    back = back - up * (back @ up)
    back /= np.linalg.norm(back)
    return np.stack([np.cross(back, up), back, up])


def floor_height(joints: np.ndarray, contacts: np.ndarray) -> float:
    """Height of the floor under the feet that stand on it.

    Args:
        joints: (frames, 17, 3) metres, Z up.
        contacts: (frames, 2) left and right foot, 0..1.
    """
    ankles = joints[:, _FEET, 2]
    planted = ankles[contacts > 0.5]
    level = np.percentile(planted, 20) if len(planted) else np.percentile(ankles.min(1), 5)
    return float(level) - ANKLE_HEIGHT
