"""`Sequence`: one camera's keypoints of a recording, with the truth; and reading such files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import MotionError, TrackError
from ...track import DEFAULT_FOV
from ...tracks.arrays import load_arrays


@dataclass(frozen=True)
class Sequence:
    """One recording seen by one camera.

    Attributes:
        subject: who.
        action: what, without the number of the repetition; errors are averaged by it.
        camera: by which camera.
        xy: (frames, joints, 2) float32 pixels.
        joints: (frames, joints, 3) float32 metres, camera axes, relative to the root.
        size: of the picture, pixels.
        fps: frames a second.
        valid: (frames,) bool, which frames count in an evaluation.
        focal: focal length and optical centre, pixels: fx, fy, cx, cy; None if not known.
    """

    subject: str
    action: str
    camera: str
    xy: np.ndarray
    joints: np.ndarray
    size: tuple[int, int]
    fps: float
    valid: np.ndarray
    focal: tuple[float, float, float, float] | None = None

    @property
    def name(self) -> str:
        """For messages and pictures."""
        return f"{self.subject} {self.action} {self.camera}".strip()

    def normalised(self) -> np.ndarray:
        """(frames, joints, 2): x in -1..1 across the picture, y on the same scale, y down."""
        width, height = self.size
        return self.xy * (2 / width) - np.array([1, height / width], np.float32)

    def rays(self) -> np.ndarray:
        """(frames, joints, 2): x/z and y/z in camera axes; a usual lens where none is known."""
        width, height = self.size
        usual = max(width, height) / 2 / np.tan(np.radians(DEFAULT_FOV) / 2)
        fx, fy, cx, cy = self.focal or (usual, usual, width / 2, height / 2)
        return (self.xy - np.array([cx, cy], np.float32)) / np.array([fx, fy], np.float32)


def load_nested(path: Path, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The nested dict under a key of an .npz, and all its arrays.

    Raises:
        TrackError: the file is missing or damaged, or holds something else.
    """
    if not path.is_file():
        raise TrackError(f"{path}: is missing; the docs on training say where it is made.")
    arrays = load_arrays(path)
    value = arrays.get(key)
    if not isinstance(value, dict) or not value:
        raise TrackError(f"{path}: has no {key!r}, a table by subject; is it of another data set?")
    return value, arrays


def array_of(value: Any, shape: tuple[int, ...], where: str) -> np.ndarray:
    """(frames, *shape) numbers as float32.

    Raises:
        MotionError: it is something else, or not finite.
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        raise MotionError(f"{where}: expected an array of numbers.")
    if value.ndim != len(shape) + 1 or value.shape[1:] != shape or not len(value):
        expected = " x ".join(map(str, shape))
        raise MotionError(f"{where}: expected frames x {expected}, got shape {value.shape}.")
    result = value.astype(np.float32)
    if not np.isfinite(result).all():
        raise MotionError(f"{where}: holds numbers that are not finite.")
    return result


def root_relative(joints: np.ndarray, root: int = 0) -> np.ndarray:
    """Joints with the root at the origin in every frame."""
    return joints - joints[:, root : root + 1]
