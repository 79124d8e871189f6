"""Forward and inverse kinematics of a rig in terms of turns away from rest.

A bone's turn is the rotation, in armature space, that takes it from its rest orientation to its
pose. Turns know nothing of bone roll, so everything is worked out in them, and bone axes come in
only at the very end.
"""

from __future__ import annotations

import numpy as np

from .rig import Rig
from .rotation import continuous, to_quaternion, transpose, turn


def effective_parents(rig: Rig, follows: dict[str, str]) -> np.ndarray:
    """(bones,) the bone that each bone moves along with: its parent, or what the rig says."""
    index = {name: i for i, name in enumerate(rig.bones)}
    parents = np.array(rig.parents)
    for bone, leader in follows.items():
        if bone in index:
            parents[index[bone]] = index.get(leader, -1)
    return parents


def turn_of(bone: int, turns: dict[int, np.ndarray], parents: np.ndarray) -> np.ndarray:
    """The turn (frames or 1, 3, 3) of a bone: its own, or that of the next one above it."""
    while bone >= 0:
        if bone in turns:
            return turns[bone]
        bone = int(parents[bone])
    return np.eye(3)[None]


def local_rotations(rig: Rig, turns: dict[int, np.ndarray], parents: np.ndarray) -> np.ndarray:
    """Quaternions (frames, len(turns), 4) away from rest in each bone's own rest axes."""
    quaternions = []
    for bone, own in turns.items():
        above = turn_of(int(parents[bone]), turns, parents)
        axes = rig.rest[bone, :3, :3]
        quaternions.append(to_quaternion(axes.T @ transpose(above) @ own @ axes))
    return continuous(np.stack(quaternions, axis=1))


def position(
    point: np.ndarray,
    bone: int,
    rig: Rig,
    turns: dict[int, np.ndarray],
    parents: np.ndarray,
    root: int,
    root_path: np.ndarray,
) -> np.ndarray:
    """Where a point that is fixed to a bone goes (frames, 3), armature space.

    Args:
        point: (3,) at rest.
        bone: the bone that it is fixed to, `root` or one below it.
        rig: the rig.
        turns: turns of the bones that turn.
        parents: who moves along with whom.
        root: the bone that is placed.
        root_path: (frames, 3) where the root bone's head goes.
    """
    offset = np.zeros_like(root_path)
    while True:
        start = rig.rest[bone, :3, 3]
        offset = offset + turn(turn_of(bone, turns, parents), (point - start)[None])
        if bone == root:
            return root_path + offset
        point, bone = start, int(parents[bone])
