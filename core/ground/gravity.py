"""Which way is up, for a camera that nobody placed upright."""

from __future__ import annotations

import numpy as np

from ..errors import MotionError

_FEW = 10.0  # frames of standing below which nothing is levelled
_LEVELLING = 10.0  # one over metres squared: trust in level ground against trust in the votes
_OFF_LEVEL = 0.05  # metres


def upwards(votes: np.ndarray) -> np.ndarray:
    """(3,) unit vector up from (frames, 3) votes in camera axes; the camera's own up if none."""
    total = votes.sum(0)
    size = float(np.linalg.norm(total))
    return total / size if size > 1e-9 else np.array([0.0, -1.0, 0.0])


def level_feet(up: np.ndarray, ankles: np.ndarray, stands: np.ndarray) -> np.ndarray:
    """Turn up a little, so that the places where feet stood lie level.

    Steps and ladders are not bent to a plane: places far from it hardly count.

    Args:
        up: (3,) unit vector, camera axes.
        ankles: (frames, 2, 3) left and right ankle, camera metres.
        stands: (frames, 2) probability that they stand.

    Returns:
        (3,) unit vector.
    """
    weight, places = stands.ravel() ** 2, ankles.reshape(-1, 3)
    total = weight.sum()
    if total < _FEW:
        return up
    turned = up
    for _ in range(3):
        heights = (places - weight @ places / total) @ turned
        near = weight / (1 + (heights / _OFF_LEVEL) ** 2)
        spread = places - near @ places / near.sum()
        slope = (spread * near[:, None]).T @ spread / total
        turned = np.linalg.solve(np.eye(3) + _LEVELLING * slope, up)
        turned /= np.linalg.norm(turned)
    return turned


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
