"""Which way is up, for a camera that nobody placed upright."""

from __future__ import annotations

import numpy as np

from ..errors import MotionError


def body_axis(joints: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Up as the body's long axis, from the feet to the thorax, on average over the clip.

    Args:
        joints: (frames, 17, 3) metres, camera axes.
        confidence: (frames, 17).

    Returns:
        (3,) unit vector pointing up, camera axes.
    """
    axis = joints[:, 8] - joints[:, [3, 6]].mean(1)
    weight = confidence[:, [3, 6, 8]].mean(1) + 1e-6
    up = np.array([0.0, -1.0, 0.0])
    for _ in range(10):
        total = (weight / (0.1 + np.linalg.norm(axis - axis @ up[:, None] * up, axis=1))) @ axis
        up = total / max(float(np.linalg.norm(total)), 1e-9)
    return up


def given_up(camera_up) -> np.ndarray:
    """A unit vector from the user's three numbers.

    Raises:
        MotionError: not three finite numbers, or all zero.
    """
    up = np.asarray(camera_up, float)
    if up.shape != (3,) or not np.isfinite(up).all() or np.linalg.norm(up) < 1e-9:
        raise MotionError(
            f"Camera up {camera_up!r} is no direction; give three numbers x, y, z in camera axes "
            "(x right, y down, z forward), 0 -1 0 for a level camera."
        )
    return up / np.linalg.norm(up)
