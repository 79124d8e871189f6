"""Several people of one clip in one world; knows nothing of Blender."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.motion import Motion

_ONE_FLOOR = 0.3
"""Metres, and share of the distance between two people: floors that differ by less are one. Up is
off by a few degrees, and each person's height is only assumed."""


def common_places(motions: Sequence[Motion]) -> list[np.ndarray]:
    """Where each person's own world lies in the first person's.

    Each motion is in a world of its own that starts facing -Y, with its floor at z = 0; what they
    share is the camera. A person is turned about Z and moved to where the first one's world has
    what the camera saw. Floors that lie nearly at one height are one floor.

    Returns:
        (4, 4) for each motion, the first one's the identity.
    """
    views = [_camera_to_world(motion) for motion in motions]
    first_turn, first_middle, first_place = views[0]
    places = []
    for turn, middle, here in views:
        relative = first_turn @ turn.T
        yaw = np.arctan2(relative[1, 0] - relative[0, 1], relative[0, 0] + relative[1, 1])
        place = np.eye(4)
        place[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
        there = first_turn @ (middle - first_middle) + first_place
        place[:3, 3] = there - place[:3, :3] @ here
        if abs(place[2, 3]) < _ONE_FLOOR * max(
            1.0, float(np.linalg.norm((there - first_place)[:2]))
        ):
            place[2, 3] = 0.0
        places.append(place)
    return places


def _camera_to_world(motion: Motion) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The turn that fits the joints as the camera saw them best to those in the world, and their
    middle in both.
    """
    seen = (motion.camera_joints + motion.root[:, None]).reshape(-1, 3).astype(np.float64)
    there = motion.joints.reshape(-1, 3).astype(np.float64)
    middle_seen, middle_there = seen.mean(axis=0), there.mean(axis=0)
    u, _, vt = np.linalg.svd((there - middle_there).T @ (seen - middle_seen))
    turn = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt
    return turn, middle_seen, middle_there
