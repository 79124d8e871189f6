"""Which way is up, for a camera that nobody placed upright."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import MotionError

CAMERA_UP = (0.0, -0.985, -0.17)
"""Up where nothing else is known, camera axes: cameras are held upright and look down a little."""

_ROUNDS = 3
_APART = 0.06  # one minus the cosine of an angle, here 20 degrees, at which a vote counts half


def upwards(votes: np.ndarray) -> np.ndarray:
    """(3,) unit vector up from (frames, 3) votes in camera axes."""
    return fused(votes, np.array(CAMERA_UP))


def fused(votes: Any, camera_up: Any) -> Any:
    """What a clip's votes say together, for numpy's arrays and torch's tensors alike.

    A camera that stands still has one up. Votes that are off the others count less: a minute of
    standing is not outweighed by a handstand. Where little is sure the camera is held upright.

    Args:
        votes: (..., looks, 3), the surer the longer.
        camera_up: (3,) `CAMERA_UP`; counts as a vote of length 1 in every look.

    Returns:
        (..., 3) unit vectors.
    """
    units = votes / _length(votes)
    up = camera_up + votes.mean(-2)
    for _ in range(_ROUNDS):
        off = 1 - (units * (up / _length(up))[..., None, :]).sum(-1)
        up = camera_up + (votes / (1 + off / _APART)[..., None]).mean(-2)
    return up / _length(up)


def _length(vectors: Any) -> Any:
    return (vectors**2).sum(-1)[..., None] ** 0.5 + 1e-9


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
