"""Where a motion happens on a rig: from world metres to the armature's own space and size."""

from __future__ import annotations

import numpy as np

from ..core.skeleton import H36M
from .frames import SIDES, joint
from .rest_body import RestBody
from .rotation import unit

_NEAR = 0.2
"""Share of a leg within which a point counts as being at the rig's origin."""


def place(joints: np.ndarray, body: RestBody) -> np.ndarray:
    """The motion scaled to the rig's legs, turned to its facing and put where it stands.

    Args:
        joints: (frames, 17, 3) world metres, Z up, facing -Y at the start, floor at z = 0.
        body: the rig at rest.

    Returns:
        (frames, 17, 3) in armature space and units.
    """
    world = body.rig.world
    linear = world[:3, :3]
    joints = np.asarray(joints, np.float64)
    if np.linalg.det(linear) < 0:
        joints = joints[:, list(H36M.mirrored)]
    unit_size = np.cbrt(abs(np.linalg.det(linear)))
    scale = body.leg * unit_size / leg_length(joints)
    moved = scale * joints @ _facing(body).T + _standpoint(body)
    return (moved - world[:3, 3]) @ np.linalg.inv(linear).T


def leg_length(joints: np.ndarray) -> float:
    """The person's leg from hip to ankle: the clip's median, metres."""
    paths = [np.stack([joint(joints, n, s) for n in ("hip", "knee", "ankle")]) for s in SIDES]
    lengths = [np.linalg.norm(np.diff(path, axis=0), axis=-1).sum(0) for path in paths]
    return float(np.median(np.concatenate(lengths)))


def _facing(body: RestBody) -> np.ndarray:
    """The turn about world Z that takes -Y to where the rig faces."""
    forward = body.rig.world[:3, :3] @ body.axes[:, 2]
    x, y, _ = unit(forward * [1.0, 1.0, 0.0])
    return np.array([[-y, x, 0.0], [-x, -y, 0.0], [0.0, 0.0, 1.0]])


def _standpoint(body: RestBody) -> np.ndarray:
    """The world point of the floor where the motion's origin goes: below the rig's origin.

    The floor is the height of the rig's origin, if its feet are near it at rest, else the height of
    its feet. Rigs that have their hips there (BVH files) hang below the floor at rest and tell
    nothing: for these it is the world's floor.
    """
    world = body.rig.world
    origin, up = world[:3, 3], body.axes[:, 1]
    feet = world[:3, :3] @ _lowest(body) + origin
    hips = world[:3, :3] @ body.joints[0] + origin
    near = _NEAR * body.leg * np.linalg.norm(world[:3, :3] @ up)
    if abs(feet[2] - origin[2]) < near:
        floor = origin[2]
    else:
        floor = 0.0 if abs(hips[2] - origin[2]) < near else feet[2]
    return np.array([origin[0], origin[1], floor])


def _lowest(body: RestBody) -> np.ndarray:
    """The lowest point of the feet at rest, armature space."""
    points = [body.joints[H36M.names.index(f"{side}_ankle")] for side in ("left", "right")]
    for part in ("foot.L", "foot.R", "toe.L", "toe.R"):
        bone = body.index(part)
        if bone is not None:
            points += [body.head_of(bone), body.tail_of(bone)]
    return min(points, key=lambda point: float(point @ body.axes[:, 1]))
