"""Motions made by hand, for tests."""

from __future__ import annotations

import numpy as np
from lift_to_3d.core.motion import Motion

STANDING = np.array(
    [
        (0, 0, 0.93), (-0.1, 0, 0.93), (-0.1, 0, 0.5), (-0.1, 0.02, 0.08), (0.1, 0, 0.93),
        (0.1, 0, 0.5), (0.1, 0.02, 0.08), (0, 0, 1.17), (0, 0.02, 1.43), (0, -0.08, 1.58),
        (0, 0, 1.68), (0.17, 0.02, 1.4), (0.2, 0.02, 1.12), (0.21, 0, 0.88), (-0.17, 0.02, 1.4),
        (-0.2, 0.02, 1.12), (-0.21, 0, 0.88),
    ]
)  # fmt: skip


def waving(frames: int = 30, fps: float = 29.97) -> Motion:
    """A person who walks sideways to their left and raises the left arm forward to the front."""
    joints = np.tile(STANDING, (frames, 1, 1))
    share = np.linspace(0, 1, frames)
    angle = share * np.pi / 2
    along = np.stack([np.zeros(frames), -np.sin(angle), -np.cos(angle)], axis=-1)
    joints[:, 12] = joints[:, 11] + 0.28 * along
    joints[:, 13] = joints[:, 12] + 0.24 * along
    joints[..., 0] += share[:, None]
    return as_motion(joints, fps, "waving")


def as_motion(joints: np.ndarray, fps: float, name: str, contact: float = 0) -> Motion:
    """Joints in the world, seen by a camera that stands as the world does."""
    joints = joints.astype(np.float32)
    return Motion(
        joints,
        joints - joints[:, :1],
        joints[:, 0],
        np.ones((len(joints), 17), np.float32),
        np.full((len(joints), 2), contact, np.float32),
        np.array([0, 1, 0], np.float32),
        fps,
        name,
    )
