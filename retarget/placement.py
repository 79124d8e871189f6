"""Where a motion happens on a rig: from world metres to the armature's own space and size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..core.skeleton import H36M
from .frames import SIDES, joint
from .options import AUTOMATIC, Retargeting
from .rest_body import RestBody
from .rotation import from_vector, reject, unit

_NEAR = 0.2
"""Share of a leg within which a point counts as being at the rig's origin."""


_SWAY = 0.4
"""Seconds: shorter movements of the pelvis are sway, longer ones travel."""


@dataclass(frozen=True)
class Ground:
    """The floor and the compass of a motion on a rig; armature space and units.

    Attributes:
        axes: (3, 3), columns left, up, forward of one who faces as the rig does.
        stands: whether the rig stands on the floor at rest.
        start: (3,) from the rig's origin to where the motion starts.
        turn: (3, 3) from the motion's world axes to the armature's, a reflection where the object
            is mirrored.
    """

    axes: np.ndarray
    stands: bool
    start: np.ndarray
    turn: np.ndarray

    @property
    def up(self) -> np.ndarray:
        """(3,) unit."""
        return self.axes[:, 1]


def place(
    joints: np.ndarray, body: RestBody, options: Retargeting = AUTOMATIC
) -> tuple[np.ndarray, Ground]:
    """The motion scaled to the rig's legs, turned to its facing and put where it stands.

    Args:
        joints: (frames, 17, 3) world metres, Z up, facing -Y at the start, floor at z = 0.
        body: the rig at rest.
        options: where it starts and how it is turned there.

    Returns:
        (frames, 17, 3) in armature space and units, and the ground there.
    """
    world = body.rig.world
    inverse = np.linalg.inv(world[:3, :3])
    joints = np.asarray(joints, np.float64)
    if np.linalg.det(inverse) < 0:
        joints = joints[:, list(H36M.mirrored)]
    unit_size = np.cbrt(abs(np.linalg.det(world[:3, :3])))
    scale = body.leg * unit_size / leg_length(joints)
    standpoint, stands = _standpoint(body)
    heading = from_vector(np.radians([0.0, 0.0, options.facing])) @ facing(body)
    start = np.array([*options.start, 0.0])
    moved = scale * joints @ heading.T + standpoint + start
    up = unit(inverse[:, 2])
    left = unit(reject(body.axes[:, 0], up))
    axes = np.stack([left, up, np.cross(left, up)], axis=-1)
    ground = Ground(axes, stands, inverse @ start, _nearest_turn(inverse @ heading))
    return (moved - world[:3, 3]) @ inverse.T, ground


def floor_path(pelvis: np.ndarray, ground: Ground, fps: float) -> np.ndarray:
    """The way over the floor (frames, 3) without the sway of steps, from the rig's origin."""
    level = reject(pelvis, ground.up)
    return gaussian_filter1d(level, _SWAY * fps, axis=0, mode="nearest")


def leg_length(joints: np.ndarray) -> float:
    """The person's leg from hip to ankle: the clip's median, in the unit of the joints."""
    paths = [np.stack([joint(joints, n, s) for n in ("hip", "knee", "ankle")]) for s in SIDES]
    lengths = [np.linalg.norm(np.diff(path, axis=0), axis=-1).sum(0) for path in paths]
    return float(np.median(np.concatenate(lengths)))


def facing(body: RestBody) -> np.ndarray:
    """(3, 3) the turn about world Z from -Y to where the rig faces; none if it lies at rest."""
    forward = unit(body.rig.world[:3, :3] @ body.axes[:, 2]) * [1.0, 1.0, 0.0]
    if np.linalg.norm(forward) < 0.5:
        return np.eye(3)
    x, y, _ = unit(forward)
    return np.array([[-y, -x, 0.0], [x, -y, 0.0], [0.0, 0.0, 1.0]])


def _nearest_turn(matrix: np.ndarray) -> np.ndarray:
    """The matrix without its scale."""
    u, _, v = np.linalg.svd(matrix)
    return u @ v


def _standpoint(body: RestBody) -> tuple[np.ndarray, bool]:
    """The world point of the floor where the motion's origin goes: below the rig's origin.

    The floor is the height of the rig's origin, if its feet are near it at rest, else the height of
    its feet. Rigs that have their hips there (BVH files) hang below the floor at rest and tell
    nothing: for these it is the world's floor. Whether the rig stands on it comes second.
    """
    world = body.rig.world
    origin, up = world[:3, 3], body.axes[:, 1]
    feet = world[:3, :3] @ _lowest(body) + origin
    hips = world[:3, :3] @ body.joints[0] + origin
    near = _NEAR * body.leg * np.linalg.norm(world[:3, :3] @ up)
    hangs = abs(hips[2] - origin[2]) < near and abs(feet[2]) > near
    floor = origin[2] if abs(feet[2] - origin[2]) < near else feet[2]
    return np.array([origin[0], origin[1], 0.0 if hangs else floor]), not hangs


def _lowest(body: RestBody) -> np.ndarray:
    """The lowest point of the feet at rest, armature space."""
    points = [body.joints[H36M.names.index(f"{side}_ankle")] for side in ("left", "right")]
    for part in ("foot.L", "foot.R", "toe.L", "toe.R"):
        bone = body.index(part)
        if bone is not None:
            points += [body.head_of(bone), body.tail_of(bone)]
    return min(points, key=lambda point: float(point @ body.axes[:, 1]))
