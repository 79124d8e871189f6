"""`Pose`, what the network gives, and `Motion`, the same in a world; and motion files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FORMAT_VERSION = 1

_LEVEL = 0.1  # of the camera's direction, else it is not seen from which side it looks


@dataclass(frozen=True)
class Pose:
    """Lifted joints of one person, root-relative.

    Attributes:
        joints: (frames, 17, 3) float32, metres, Human3.6M order, camera axes (x right, y down,
            z forward), relative to the pelvis.
        confidence: (frames, 17) float32, 0..1.
        fps: frames a second.
        name: the clip's name.
        person: 1 for the clip's first person, 2 ...
    """

    joints: np.ndarray
    confidence: np.ndarray
    fps: float
    name: str = ""
    person: int = 1


@dataclass(frozen=True)
class Motion:
    """One person's motion in the world: metres, Z up, floor at z = 0.

    Attributes:
        joints: (frames, 17, 3) float32, world metres, Human3.6M order; starts facing -Y.
        camera_joints: (frames, 17, 3) float32, root-relative camera metres, as lifted.
        root: (frames, 3) float32, the pelvis in camera metres.
        confidence: (frames, 17) float32, 0..1.
        contacts: (frames, 2) float32, left and right foot on the ground, 0..1.
        gravity: (3,) float32, unit vector pointing down, camera axes.
        fps: frames a second.
        name: the clip's name.
        person: 1 for the clip's first person, 2 ...
        extremities: (frames, 5, 3, 3) float32, for each of `core.skeleton.EXTREMITIES` its axes as
            columns, left, up and forward, in world axes: forward is where a face looks, from heel
            to toes, along the fingers; up is the crown, the back of the foot, the back of the hand.
            None where nobody looked.
        extremity_confidence: (frames, 5) float32, 0..1; None likewise.
    """

    joints: np.ndarray
    camera_joints: np.ndarray
    root: np.ndarray
    confidence: np.ndarray
    contacts: np.ndarray
    gravity: np.ndarray
    fps: float
    name: str = ""
    person: int = 1
    extremities: np.ndarray | None = None
    extremity_confidence: np.ndarray | None = None

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.joints)

    def moments(self, count: int) -> np.ndarray:
        """At most `count` frames to show the motion by, evenly among those with anybody seen."""
        seen = np.flatnonzero((self.confidence > 0).any(1))
        frames = seen if len(seen) else np.arange(self.frames)
        return np.unique(frames[((np.arange(count) + 0.5) / count * len(frames)).astype(int)])

    @property
    def filmed_from(self) -> float | None:
        """Degrees that the camera stands to the left of where the person faces at the start.

        Seen from above; None where the camera looked straight down, or nobody knows.
        """
        lifted = np.nan_to_num(self.camera_joints.astype(float)).reshape(-1, 3)
        placed = np.nan_to_num((self.joints - self.joints[:, :1]).astype(float)).reshape(-1, 3)
        u, size, v = np.linalg.svd(placed.T @ lifted)
        u[:, 2] *= np.linalg.det(u @ v)
        x, y, _ = u @ v[:, 2]  # the camera's z axis, the way it looks, in the world
        known = size[1] > 1e-6 * len(lifted) and np.hypot(x, y) > _LEVEL
        return float(np.degrees(np.arctan2(-x, y))) if known else None

    def face_is_left_of(self, turn: float) -> bool:
        """Whether more of the face is seen from the left than from the right of an eye.

        Args:
            turn: degrees that the eye stands to the left of where the person faces at the start,
                seen from above.
        """
        across = (self.joints[:, 4] - self.joints[:, 1]) + (self.joints[:, 11] - self.joints[:, 14])
        x, y, _ = np.nan_to_num(across.astype(float)).sum(0)  # from right to left; faces (y, -x)
        return bool(y * np.cos(np.radians(turn)) - x * np.sin(np.radians(turn)) >= 0)
