"""Gaps filled and shaking taken out, without cutting what is fast.

A filter that stills a standing person blunts a punch. So every bone is filtered twice, with a low
and with a high cutoff (Butterworth, forward and backward, no delay), and the two are mixed by how
fast the bone is turning at the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, sosfiltfilt

from ..errors import MotionError


@dataclass(frozen=True)
class Smoothing:
    """How much to smooth.

    Attributes:
        still: cutoff in Hz for what hardly moves.
        quick: cutoff in Hz for what moves fast.
        speed: of a bone's tip over its length, 1/s, at which the two are mixed half and half.
    """

    still: float
    quick: float
    speed: float


LEVELS: dict[str, Smoothing | None] = {
    "off": None,
    "light": Smoothing(still=4.0, quick=12.0, speed=1.5),
    "strong": Smoothing(still=2.0, quick=6.0, speed=3.0),
}
"""Levels of smoothing by the name that the user picks."""


def level(name: str) -> Smoothing | None:
    """The level of that name.

    Raises:
        MotionError: no such level.
    """
    if name not in LEVELS:
        raise MotionError(f"Smoothing '{name}' is not known; choose one of {', '.join(LEVELS)}.")
    return LEVELS[name]


def low_pass(signal: np.ndarray, fps: float, cutoff: float) -> np.ndarray:
    """Zero-phase low-pass along the first axis; unchanged where the cutoff is out of reach.

    Args:
        signal: (frames, ...).
        fps: frames a second.
        cutoff: in Hz, at which half of the amplitude is left.
    """
    frames = len(signal)
    if frames < 4 or cutoff >= 0.45 * fps:
        return signal
    sections = butter(2, cutoff * 1.1, fs=fps, output="sos")
    padding = min(frames - 1, int(np.ceil(fps / cutoff)))
    return sosfiltfilt(sections, signal, axis=0, padlen=padding)


def rate(signal: np.ndarray, fps: float) -> np.ndarray:
    """How fast a signal changes along the first axis, a second; 0 for a single frame."""
    return np.gradient(signal, 1 / fps, axis=0) if len(signal) > 1 else np.zeros_like(signal)


def smooth(signal: np.ndarray, fps: float, amount: Smoothing | None) -> np.ndarray:
    """Smooth vectors over time, the quick ones less.

    Args:
        signal: (frames, ..., 3), for example unit directions of bones.
        fps: frames a second.
        amount: None leaves the signal as it is.
    """
    if amount is None or len(signal) < 4:
        return signal
    still = low_pass(signal, fps, amount.still)
    quick = low_pass(signal, fps, amount.quick)
    speed = np.linalg.norm(np.gradient(quick, 1 / fps, axis=0), axis=-1, keepdims=True)
    speed = gaussian_filter1d(speed, 0.06 * fps, axis=0, mode="nearest")
    share = speed**2 / (speed**2 + amount.speed**2)
    return still + share * (quick - still)


def fill_gaps(signal: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Straight lines across the frames that were not seen; the nearest seen frame at the ends.

    Args:
        signal: (frames, joints, 3).
        seen: (frames, joints) bool. A joint that was never seen keeps what it has.
    """
    if seen.all():
        return signal
    filled = signal.copy()
    times = np.arange(len(signal))
    for j in range(signal.shape[1]):
        known = np.flatnonzero(seen[:, j])
        if 0 < len(known) < len(signal):
            for axis in range(signal.shape[2]):
                filled[:, j, axis] = np.interp(times, known, signal[known, j, axis])
    return filled
