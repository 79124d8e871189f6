"""When the feet stand on the floor."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from .bones import ANKLE_HEIGHT, FEET
from .smoothing import low_pass

# Where an ankle is let go, and how sharply: m/s, metres above where it stands.
_SPEED, _SPEED_EDGE = 0.6, 0.06
_RISE, _RISE_EDGE = 0.15, 0.03


def floor_contacts(joints: np.ndarray, stands: np.ndarray, level: float, fps: float) -> np.ndarray:
    """Probability that a foot is on a floor and still.

    Args:
        joints: (frames, 17, 3) metres, Z up, floor at 0.
        stands: (frames, 2) probability that the left, the right foot stands on anything.
        level: height of another floor that is stood on, or 0.
        fps: frames a second.

    Returns:
        (frames, 2) left, right, 0..1.
    """
    ankles = low_pass(joints[:, FEET], fps, 6.0)
    speed = np.zeros(ankles.shape[:2])
    if len(ankles) > 1:
        speed = np.linalg.norm(np.gradient(ankles, 1 / fps, axis=0), axis=-1)
    heights = ankles[..., 2] - ANKLE_HEIGHT
    off = np.minimum(np.abs(heights), np.abs(heights - level))
    doubts = np.stack(
        [
            logit(np.clip(stands, 1e-6, 1 - 1e-6)),
            (_SPEED - speed) / _SPEED_EDGE,
            (_RISE - off) / _RISE_EDGE,
        ]
    )
    return expit(doubts.min(0))
