"""Cutting a clip into windows of the network's length, and blending the answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Windows:
    """Which frames each window shows.

    A clip with more frames a second than the network is used to is not thinned out: its windows
    take every second frame (or third ...), and further windows take the frames between.

    Attributes:
        index: (windows, frames) int, frame numbers; the clip's ends are repeated beyond it.
        weight: (windows, frames) float, how much a window says about a frame: 0 beyond the
            clip's ends, otherwise largest in the window's middle.
        length: number of frames of the clip.
        stride: frames of the clip from one frame of a window to the next.
    """

    index: np.ndarray
    weight: np.ndarray
    length: int
    stride: int

    def blend(self, answers: np.ndarray) -> np.ndarray:
        """(windows, frames, ...) to (length, ...), the weighted mean of all that show a frame."""
        total = np.zeros((self.length, *answers.shape[2:]))
        weight = self.weight.reshape(*self.weight.shape, *[1] * (answers.ndim - 2))
        np.add.at(total, self.index, answers * weight)
        norm = np.zeros(self.length)
        np.add.at(norm, self.index, self.weight)
        return total / norm.reshape(-1, *[1] * (answers.ndim - 2))


def cut_windows(length: int, fps: float, frames: int, rate: float, overlap: float = 0.5) -> Windows:
    """Windows that cover a clip.

    Args:
        length: frames of the clip, at least 1.
        fps: frames a second of the clip.
        frames: frames of a window.
        rate: frames a second that a window should have, met as nearly as whole strides can.
        overlap: share of a window that the next one shows again, 0 to below 1.
    """
    stride = max(1, round(fps / rate))
    hop = max(1, round(frames * (1 - overlap)))
    starts = []
    for phase in range(min(stride, length)):
        count = -(-(length - phase) // stride)
        first = -((frames - count) // 2) if count < frames else 0
        last = max(count - frames, first)
        steps = -(-(last - first) // hop) + 1
        starts.append(phase + stride * np.linspace(first, last, steps).round().astype(int))
    index = np.concatenate(starts)[:, None] + stride * np.arange(frames)
    inside = (index >= 0) & (index < length)
    ramp = np.minimum(np.arange(frames) + 1, frames - np.arange(frames)).astype(float)
    return Windows(index.clip(0, length - 1), ramp * inside, length, stride)
