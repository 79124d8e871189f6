"""Frame rates out of timestamps."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

_COMMON = (
    5, 10, 12, 12.5, 15, 20, 24000 / 1001, 24, 25, 30000 / 1001, 30, 48, 50, 60000 / 1001, 60,
    90, 100, 120000 / 1001, 120, 200, 240, 250, 480, 500, 1000,
)  # fmt: skip


def rate_of_timestamps(frames: ArrayLike, times: ArrayLike) -> float | None:
    """Frames a second from frame numbers and their times in seconds, milli- or microseconds.

    A usual rate is taken where the times mean it within 0.2 %. None where the times do not grow
    with the frames.
    """
    frames, times = np.asarray(frames, np.float64), np.asarray(times, np.float64)
    good = np.isfinite(times)
    frames, times = frames[good], times[good]
    if len(frames) < 2 or frames[-1] <= frames[0] or times[-1] <= times[0]:
        return None
    rate = float((frames[-1] - frames[0]) / (times[-1] - times[0]))
    while rate < 0.5:
        rate *= 1000
    if rate > 1000:
        return None
    near = min(_COMMON, key=lambda common: abs(common - rate))
    return float(near) if abs(near - rate) < 0.002 * near else round(rate, 3)
