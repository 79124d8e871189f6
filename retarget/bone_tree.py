"""A rig's bones as a tree of points, without what only goes along with a limb."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .rig import Rig

_BESIDE = 0.15
"""How far from a limb a bone lies beside it, as a share of the limb's part."""
_SQUARE = 0.999
"""Cosine: an object's axes are along the world's."""
_UPS = np.array([[0, 0, 1], [0, 1, 0], [0, -1, 0], [1, 0, 0], [-1, 0, 0], [0, 0, -1]], float)


@dataclass(frozen=True)
class BoneTree:
    """A rig's bones as points.

    Attributes:
        rig: the rig.
        children: of every bone.
        heads: (bones, 3) world, turned so that Z is up.
        tails: (bones, 3) likewise.
    """

    rig: Rig
    children: list[list[int]]
    heads: np.ndarray
    tails: np.ndarray

    def ends(self) -> list[int]:
        """The bones that have no children, but for helpers."""
        return [b for b in range(len(self.rig.bones)) if not self.children[b] and not self._aid(b)]

    def below(self, bone: int) -> list[int]:
        """The bone and all under it."""
        found = [bone]
        for b in found:
            found.extend(self.children[b])
        return found

    def path(self, bone: int, top: int) -> list[int]:
        """The bones from below `top` down to `bone`."""
        path = []
        while bone not in (top, -1):
            path.append(bone)
            bone = int(self.rig.parents[bone])
        return path[::-1]

    def meeting(self, bones: list[int]) -> int:
        """The lowest bone in the tree above (or equal to) all of them, -1 if there is none."""
        lines = [[-1, *self.path(bone, -1)] for bone in bones]
        common = -1
        for step in zip(*lines, strict=False):
            if len(set(step)) > 1:
                break
            common = step[0]
        return common

    def _aid(self, bone: int) -> bool:
        """Whether a bone lies on the way from its parent to a sibling: a twist bone, a muscle.

        Also where it lies at the sibling itself, and that one goes on.
        """
        parent = int(self.rig.parents[bone])
        if parent < 0:
            return False
        others = [b for other in self.children[parent] if other != bone for b in self._line(other)]
        ways = self.heads[others] - self.heads[parent]
        lengths2 = np.maximum(np.sum(ways**2, axis=-1), 1e-18)
        step = self.heads[bone] - self.heads[parent]
        along = ways @ step / lengths2
        off2 = np.sum((step - along[:, None] * ways) ** 2, axis=-1) / lengths2
        goes_on = np.array([bool(self.children[b]) for b in others], bool)
        far = np.where(goes_on, 1 + _BESIDE, 1 - _BESIDE)
        return bool(((along >= 0) & (along < far) & (off2 < _BESIDE**2)).any())

    def _line(self, bone: int) -> list[int]:
        """The bone and those under it until the tree branches."""
        line = [bone]
        while len(self.children[line[-1]]) == 1:
            line.append(self.children[line[-1]][0])
        return line


def without_driven(rig: Rig) -> Rig:
    """The rig without the bones that constraints move: those that an animator keys."""
    keep = [b for b, name in enumerate(rig.bones) if name not in rig.driven]
    place = {-1: -1} | {b: i for i, b in enumerate(keep)}
    parents = []
    for bone in keep:
        parent = int(rig.parents[bone])
        while parent not in place:
            parent = int(rig.parents[parent])
        parents.append(place[parent])
    return replace(
        rig,
        bones=tuple(rig.bones[b] for b in keep),
        parents=np.array(parents, int),
        rest=rig.rest[keep],
        lengths=rig.lengths[keep],
    )


def trees(rig: Rig) -> list[BoneTree]:
    """The rig's tree with each axis of its armature up, first the one that is up in the world.

    Then, if the object is tilted, with each axis of the world up.
    """
    from scipy.linalg import polar  # Blender's start must not wait for it

    children: list[list[int]] = [[] for _ in rig.bones]
    for bone, parent in enumerate(rig.parents):
        if parent >= 0:
            children[parent].append(bone)
    tilt, stretch = polar(rig.world[:3, :3])
    points = [np.stack([rig.rest[:, :3, 3], rig.tails]) @ stretch.T]
    ups = [_UPS[np.argsort(-(_UPS @ tilt.T)[:, 2], kind="stable")]]
    if np.abs(tilt).max(axis=0).min() < _SQUARE:
        points.append(points[0] @ tilt.T)
        ups.append(_UPS)
    return [
        BoneTree(rig, children, heads @ turn.T, tails @ turn.T)
        for (heads, tails), axes in zip(points, ups, strict=True)
        for turn in map(_upright, axes)
    ]


def _upright(up: np.ndarray) -> np.ndarray:
    """The rotation that takes one of the six axes to Z."""
    ahead = np.roll(np.abs(up), 1)
    return np.stack([np.cross(ahead, up), ahead, up])
