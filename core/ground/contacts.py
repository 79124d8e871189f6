"""When the feet stand on the ground."""

from __future__ import annotations

import numpy as np

from .smoothing import low_pass

_FEET = [6, 3]
_SPEED, _RISE = 0.35, 0.06


def foot_contacts(joints: np.ndarray, fps: float) -> np.ndarray:
    """Probability that a foot stands: it hardly moves and is near the lowest place of the clip.

    Args:
        joints: (frames, 17, 3) metres, Z up.
        fps: frames a second.

    Returns:
        (frames, 2) left, right, 0..1.
    """
    ankles = low_pass(joints[:, _FEET], fps, 6.0)
    if len(ankles) < 2:
        return np.ones((len(ankles), 2))
    speed = np.linalg.norm(np.gradient(ankles, 1 / fps, axis=0), axis=-1)
    level = np.percentile(ankles[..., 2].min(1), 10)
    still = 1 / (1 + np.exp((speed - _SPEED) / (0.15 * _SPEED)))
    low = 1 / (1 + np.exp((ankles[..., 2] - level - _RISE) / (0.25 * _RISE)))
    return still * low
