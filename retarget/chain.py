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


def line_above(bone: int, parents: np.ndarray) -> list[int]:
    """The bones that a bone hangs on, its parent first."""
    line: list[int] = []
    while (bone := int(parents[bone])) >= 0:
        line.append(bone)
    return line


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
        above = _turn_above(bone, rig, turns, parents)
        axes = rig.rest[bone, :3, :3]
        quaternions.append(to_quaternion(axes.T @ transpose(above) @ own @ axes))
    return continuous(np.stack(quaternions, axis=1))


def _turn_above(
    bone: int, rig: Rig, turns: dict[int, np.ndarray], parents: np.ndarray
) -> np.ndarray:
    """The turn that a bone has from the one above it, none if it is loose."""
    if rig.bones[bone] in rig.loose:
        return np.eye(3)[None]
    return turn_of(int(parents[bone]), turns, parents)


def free_to_move(bone: int, rig: Rig) -> int:
    """The bone itself or, where it is tied to its parent, the nearest one above that is not."""
    while rig.bones[bone] in rig.tied and rig.parents[bone] >= 0:
        bone = int(rig.parents[bone])
    return bone


def carried_path(
    point: np.ndarray,
    path: np.ndarray,
    bone: int,
    carrier: int,
    rig: Rig,
    turns: dict[int, np.ndarray],
    parents: np.ndarray,
) -> np.ndarray:
    """Where the carrier's head must be (frames, 3) for a point of the body to be on its path.

    Args:
        point: (3,) at rest.
        path: (frames, 3) where it is to be.
        bone: the bone that the point is fixed to, the carrier or one that it carries.
        carrier: the bone that is moved; -1 for the uppermost of those that carry it.
        rig: the rig.
        turns: turns of the bones that turn.
        parents: who moves along with whom.
    """
    while True:
        start = rig.rest[bone, :3, 3]
        path = path - turn(turn_of(bone, turns, parents), (point - start)[None])
        if bone == carrier or parents[bone] < 0:
            return path
        point, bone = start, int(parents[bone])


def point_path(
    point: np.ndarray,
    bone: int,
    known: tuple[np.ndarray, int, np.ndarray],
    rig: Rig,
    turns: dict[int, np.ndarray],
    parents: np.ndarray,
) -> np.ndarray:
    """Where a point of the body is (frames, 3).

    Args:
        point: (3,) at rest.
        bone: the bone that it is fixed to.
        known: another point (3,) at rest, its bone, and where it is (frames, 3).
        rig: the rig.
        turns: turns of the bones that turn.
        parents: who moves along with whom.
    """
    other, holder, path = known
    top = carried_path(other, path, holder, -1, rig, turns, parents)
    return top - carried_path(point, np.zeros_like(path), bone, -1, rig, turns, parents)


def location(
    shift: np.ndarray, rig: Rig, bone: int, turns: dict[int, np.ndarray], parents: np.ndarray
) -> np.ndarray:
    """(frames, 3) how far a bone's head is from its rest place, as its own location.

    None of the bones above it may move from their place.
    """
    above, axes = _turn_above(bone, rig, turns, parents), rig.rest[bone, :3, :3]
    if rig.bones[bone] in rig.adrift:
        parent = int(rig.parents[bone])
        above = turn_of(parent, turns, parents)
        axes = rig.rest[parent, :3, :3] if parent >= 0 else np.eye(3)
    return turn(transpose(above @ axes), shift)
