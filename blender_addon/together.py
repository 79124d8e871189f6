"""Several people of one clip in one world; knows nothing of Blender."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.motion import Motion


def common_places(motions: Sequence[Motion]) -> list[np.ndarray]:
    """Where each person's own world lies in the first person's.

    Each motion is in a world of its own that starts facing -Y; what they share is the camera. Only
    turns about Z and moves along the floor are given back, since every floor is at z = 0.

    Returns:
        (4, 4) for each motion, the first one's the identity.
    """
    views = [_camera_to_world(motion) for motion in motions]
    first_turn, first_move = views[0]
    places = []
    for turn, move in views:
        relative = first_turn @ turn.T
        yaw = np.arctan2(relative[1, 0] - relative[0, 1], relative[0, 0] + relative[1, 1])
        place = np.eye(4)
        place[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
        place[:2, 3] = (first_move - place[:3, :3] @ move)[:2]
        places.append(place)
    return places


def _camera_to_world(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """The rigid move that fits the joints as the camera saw them best to those in the world."""
    seen = (motion.camera_joints + motion.root[:, None]).reshape(-1, 3).astype(np.float64)
    there = motion.joints.reshape(-1, 3).astype(np.float64)
    middle_seen, middle_there = seen.mean(axis=0), there.mean(axis=0)
    u, _, vt = np.linalg.svd((there - middle_there).T @ (seen - middle_seen))
    turn = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt
    return turn, middle_there - turn @ middle_seen
