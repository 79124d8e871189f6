"""`SkeletalMotion`: what a motion-capture file says, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import MotionError

_MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class SkeletalMotion:
    """Bones that move, in the file's own axes and unit.

    Attributes:
        names: name of every bone, parents before children.
        parents: (bones,) index of the parent, -1 for the root.
        rest: (bones, 3) where bones begin in the rest pose.
        heads: (frames, bones, 3) where they begin.
        turns: (frames, bones, 3, 3) how they are turned away from rest, in the file's axes.
        tips: bones without children, to where they end in the rest pose relative to their head.
        fps: frames a second, None where the file does not say.
        take: which of the file's motions it is, "" for the only one.
        up: unit vector of the file that points up, None where the file does not say.
        metres: of one unit, None where the file does not say.
    """

    names: tuple[str, ...]
    parents: np.ndarray
    rest: np.ndarray
    heads: np.ndarray
    turns: np.ndarray
    tips: dict[str, np.ndarray] = field(default_factory=dict)
    fps: float | None = None
    take: str = ""
    up: np.ndarray | None = None
    metres: float | None = None


def check_size(path: Path) -> None:
    """Raises MotionError if a file is missing, or too large."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise MotionError(f"{path}: cannot be read ({error.strerror}).") from None
    if size > _MOST_BYTES:
        raise MotionError(f"{path}: is larger than 1 GB; cut it into takes.")


def read_text(path: Path) -> str:
    """A text file, its size bounded.

    Raises:
        MotionError: it is missing, or too large.
    """
    check_size(path)
    try:
        return path.read_text("latin-1")
    except OSError as error:
        raise MotionError(f"{path}: cannot be read ({error.strerror}).") from None


def axis_turns(axis: int, degrees: np.ndarray) -> np.ndarray:
    """(frames,) angles to (frames, 3, 3) turns about a coordinate axis."""
    angle = np.radians(degrees)
    out = np.tile(np.eye(3), (len(angle), 1, 1))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out[:, i, i] = out[:, j, j] = np.cos(angle)
    out[:, j, i] = np.sin(angle)
    out[:, i, j] = -out[:, j, i]
    return out
