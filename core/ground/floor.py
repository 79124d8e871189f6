"""The axes of the world: Z up, starting to face -Y."""

from __future__ import annotations

import numpy as np


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
