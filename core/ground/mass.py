"""Where the body's mass is."""

from __future__ import annotations

import numpy as np

# (share of the mass, joint, joint, place of the mass centre between them), after Dempster's
# cadaver tables; a forearm carries its hand, a shank its foot.
_SEGMENTS = (
    (0.081, 8, 10, 1.0), (0.497, 0, 8, 0.5),
    (0.1, 4, 5, 0.433), (0.061, 5, 6, 0.6), (0.028, 11, 12, 0.436), (0.022, 12, 13, 0.6),
    (0.1, 1, 2, 0.433), (0.061, 2, 3, 0.6), (0.028, 14, 15, 0.436), (0.022, 15, 16, 0.6),
)  # fmt: skip


def mass_centre(joints: np.ndarray) -> np.ndarray:
    """(frames, 3) the body's centre of mass from (frames, 17, 3) joints."""
    total = sum(share for share, *_ in _SEGMENTS)
    parts = [
        share / total * (joints[:, a] + place * (joints[:, b] - joints[:, a]))
        for share, a, b, place in _SEGMENTS
    ]
    return np.sum(parts, axis=0)
