"""Where somebody stands high above the floor, as on a roof: what pictures draw below them."""

from __future__ import annotations

import numpy as np

from ..motion import Motion
from .bones import ANKLE_HEIGHT, FEET

_RAISED = 0.25  # metres: what is lower passes for the floor


def raised(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """The contacts of feet high above the floor.

    Returns:
        (n,) frames, and (n, 3) world metres, the places that the soles are at.
    """
    soles = motion.joints[:, FEET] - (0, 0, ANKLE_HEIGHT)
    frames, feet = np.nonzero((motion.contacts > 0.5) & (soles[..., 2] > _RAISED))
    return frames, soles[frames, feet]


def tiles(places: np.ndarray, side: float) -> np.ndarray:
    """(n, 2) lower corners of the squares of a grid that lie within a side of the places.

    Args:
        places: (m, 2) or more columns, x and y.
        side: of a square, in the same unit.
    """
    own = np.unique(np.floor(places[:, :2] / side).astype(int), axis=0)
    around = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), -1).reshape(-1, 2)
    return side * np.unique((own[:, None] + around).reshape(-1, 2), axis=0)
