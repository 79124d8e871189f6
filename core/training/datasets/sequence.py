"""`Sequence`: one camera's keypoints of a recording, with the truth; and reading such files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import MotionError, TrackError
from ...skeleton import H36M, Skeleton
from ...track import DEFAULT_FOV
from ...tracks.arrays import load_arrays

_MOST_KEYPOINTS = 1000


@dataclass(frozen=True)
class Sequence:
    """One recording seen by one camera.

    Attributes:
        subject: who.
        action: what, without the number of the repetition; errors are averaged by it.
        camera: by which camera.
        xy: (frames, keypoints, 2) float32 pixels, as many as there are joints.
        joints: (frames, joints, 3) float32 metres, camera axes, relative to the root.
        size: of the picture, pixels.
        fps: frames a second.
        valid: (frames,) bool, which frames count in an evaluation.
        focal: focal length and optical centre, pixels: fx, fy, cx, cy; None if not known.
        skeleton: of the joints.
        coco: whether the keypoints are COCO's in their order, in place of the joints seen.
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
    skeleton: Skeleton = H36M
    coco: bool = False

    @property
    def name(self) -> str:
        """For messages and pictures; what subject and action both say is said once."""
        return " ".join(dict.fromkeys(f"{self.subject} {self.action} {self.camera}".split()))

    def normalised(self) -> np.ndarray:
        """(frames, keypoints, 2): x in -1..1 across the picture, y on the same scale, y down."""
        width, height = self.size
        return self.xy * (2 / width) - np.array([1, height / width], np.float32)

    def rays(self) -> np.ndarray:
        """(frames, keypoints, 2): x/z and y/z in camera axes; a usual lens where none is known."""
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


def mirrored_of(arrays: dict[str, Any], path: Path) -> tuple[int, ...]:
    """For each keypoint of a file the index of its mirror image, as its metadata say.

    Raises:
        TrackError: they do not.
    """
    try:
        metadata = arrays["metadata"]
        mirrored = [*range(min(metadata["num_joints"], _MOST_KEYPOINTS))]
        for one, other in zip(*metadata["keypoints_symmetry"], strict=True):
            mirrored[one], mirrored[other] = other, one
    except (KeyError, TypeError, IndexError, ValueError):
        raise TrackError(
            f"{path}: does not say which keypoints are left and which right; VideoPose3D's files "
            "have 'metadata' with 'num_joints' and 'keypoints_symmetry'."
        ) from None
    return tuple(mirrored)


def views_of(value: Any, cameras: int, keypoints: int, frames: int, where: str) -> list[np.ndarray]:
    """(frames, keypoints, 2) float32 pixels of each camera, from a list or a stack.

    What comes after x and y is left off, and so is what comes after the last frame in 3D.

    Raises:
        MotionError: there are not as many cameras, or one has fewer frames or something else.
    """
    stacked = isinstance(value, np.ndarray) and value.ndim > 0
    if not (isinstance(value, list) or stacked) or len(value) != cameras:
        raise MotionError(f"{where} is missing, or is not of {cameras} cameras.")
    views = [pixels_of(view, keypoints, f"{where}, camera {n}") for n, view in enumerate(value, 1)]
    if min(map(len, views)) < frames:
        raise MotionError(f"{where}: has fewer frames than the {frames} in 3D.")
    return [view[:frames] for view in views]


def pixels_of(value: Any, keypoints: int, where: str) -> np.ndarray:
    """(frames, keypoints, 2) float32 of one camera; what comes after x and y is left off.

    Raises:
        MotionError: it is something else, or not finite.
    """
    xy = value[..., :2] if isinstance(value, np.ndarray) and value.ndim == 3 else value
    return array_of(xy, (keypoints, 2), where)


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
