"""Which way is up, for a camera that nobody placed upright."""

from __future__ import annotations

import numpy as np

from ..errors import MotionError


def upwards(votes: np.ndarray) -> np.ndarray:
    """(3,) unit vector up from (frames, 3) votes in camera axes; the camera's own up if none."""
    total = votes.sum(0)
    size = float(np.linalg.norm(total))
    return total / size if size > 1e-9 else np.array([0.0, -1.0, 0.0])


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
