"""Holding still what stands on the ground, and letting go smoothly."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_closing, gaussian_filter1d, maximum_filter1d

HELD = 0.5
"""Contact from which a foot is held."""
RELEASE = 0.2
"""Seconds in which a held foot goes over to its own path."""
_BREAK = 0.12
"""Seconds: a foot does not leave the ground and come back in less."""
_LOW = 0.05
_SLOW = 0.5


def contact_runs(contact: np.ndarray, fps: float) -> list[tuple[int, int]]:
    """First frame, and frame after the last, of every stretch of ground contact (frames,).

    With a frame more at either end, so that a foot has come to rest when contact begins. Breaks
    too short for a step are none.
    """
    held = maximum_filter1d(contact, 3) >= HELD
    break_ = round(_BREAK * fps)
    if break_ > 0:
        held = binary_closing(np.pad(held, break_), np.ones(break_ + 1))[break_:-break_]
    held = np.concatenate([[False], held, [False]])
    edges = np.flatnonzero(held[1:] != held[:-1])
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def seen_contact(height: np.ndarray, speed: np.ndarray, size: float) -> np.ndarray:
    """Contact (frames,) 0 or 1 of an ankle that is as low as it gets, and slow.

    Args:
        height: (frames,) above the floor.
        speed: (frames,) a second, in the same unit.
        size: a leg's length in that unit.
    """
    low = height < np.percentile(height, 2) + _LOW * size
    return (low & (speed < _SLOW * size)).astype(np.float64)


def widened(values: np.ndarray, seconds: float, fps: float) -> np.ndarray:
    """Values (frames,) that rise before and fall after their peaks, smoothly, nowhere below them.

    Args:
        values: (frames,).
        seconds: how long before a peak the rise begins, halved.
        fps: frames a second.
    """
    width = max(round(seconds * fps), 1)
    peaks = maximum_filter1d(values, 2 * width + 1, mode="nearest")
    return gaussian_filter1d(peaks, width / 2, truncate=2.0, mode="nearest")


def hold(path: np.ndarray, held: np.ndarray, runs: list[tuple[int, int]], fps: float) -> np.ndarray:
    """The path as it is held during each run, and going its own way between.

    Args:
        path: (frames, n).
        held: (frames, n), where it is to be during the runs.
        runs: stretches to hold, in order.
        fps: frames a second.

    Returns:
        (frames, n); before and after a run the path is shifted less and less.
    """
    shift = np.zeros_like(path)
    for first, end in runs:
        shift[first:end] = held[first:end] - path[first:end]
    ends = [0, *(frame for run in runs for frame in run), len(path)]
    for start, stop in zip(ends[::2], ends[1::2], strict=True):
        _bridge(shift, start, stop, max(RELEASE * fps, 1.0))
    return path + shift


def _bridge(shift: np.ndarray, start: int, stop: int, release: float) -> None:
    """Fills the frames between two runs: from the shift before them to the one after."""
    length = stop - start
    none = np.zeros(shift.shape[1])
    before = shift[start - 1] if start > 0 else none
    after = shift[stop] if stop < len(shift) else none
    since = np.arange(1, length + 1)[:, None]
    if start > 0 and stop < len(shift) and length < 2 * release:
        share = _ease(since / (length + 1))
        shift[start:stop] = before * (1 - share) + after * share
    else:
        leaving, coming = 1 - _ease(since / release), 1 - _ease(since[::-1] / release)
        shift[start:stop] = before * leaving + after * coming


def _ease(share: np.ndarray) -> np.ndarray:
    """0 to 1 with a level start and end."""
    share = np.clip(share, 0.0, 1.0)
    return share * share * (3 - 2 * share)
