"""Skeletons whose rest is no pose of a body: they are read in a stance, a pose of their own file.

Motion capture is often kept in skeletons that rest with each bone along one axis (LaFAN1's,
Bandai-Namco's). Only their motion shows how their bones lie in a body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .detect import find_mapping, stands
from .rig import BoneMotion, Rig
from .rotation import continuous, reject, swing, to_matrix, to_quaternion, turn, unit


def stance_of(rig: Rig, pose: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The stance of a rig that does not stand at rest but does in a pose, turned to an axis.

    Args:
        rig: the rig.
        pose: bone to its rotation (4,) w, x, y, z away from rest, in its own axes.

    Returns:
        Likewise; empty where the rig stands at rest, or does not in the pose either.
    """
    posed = replace(rig, stance=pose)
    there, mapping = posed.in_stance(), find_mapping(posed)
    if stands(rig, find_mapping(rig)) or not stands(there, mapping):
        return {}
    heads = dict(zip(there.bones, there.rest[:, :3, 3], strict=True))
    left = heads[mapping.bones["thigh.L"][0]] - heads[mapping.bones["thigh.R"][0]]
    up = unit(np.linalg.inv(rig.world[:3, :3])[:, 2])
    left = unit(reject(left, up))
    nearest = np.argmax(np.abs(left))
    heading = swing(left, unit(reject(np.eye(3)[nearest] * np.sign(left[nearest]), up)))
    turned = dict(pose)
    for bone in np.flatnonzero(rig.parents < 0):
        name, axes = rig.bones[bone], rig.rest[bone, :3, :3]
        own = to_matrix(pose[name]) if name in pose else np.eye(3)
        turned[name] = to_quaternion(axes.T @ heading @ axes @ own)
    return turned


def away_from_rest(motion: BoneMotion, rig: Rig) -> BoneMotion:
    """A motion that was solved for `Rig.in_stance`, as keys away from the rest of the rig."""
    frames = len(motion.rotations)
    column = {name: i for i, name in enumerate(motion.bones)}
    names = (*motion.bones, *(name for name in rig.stance if name not in column))
    stance = {name: to_matrix(np.asarray(rig.stance[name])) for name in rig.stance}
    rotations = np.empty((frames, len(names), 4))
    for i, name in enumerate(names):
        own = to_matrix(motion.rotations[:, column[name]]) if name in column else np.eye(3)
        rotations[:, i] = to_quaternion(stance.get(name, np.eye(3)) @ own)
    locations = {
        name: turn(stance.get(name, np.eye(3)), shift) for name, shift in motion.locations.items()
    }
    return replace(motion, bones=names, rotations=continuous(rotations), locations=locations)
