"""`Rig`: an armature in its rest pose, and `BoneMotion`: what its bones do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from .rotation import to_matrix

_MEETS, _MOSTLY = 0.2, 0.4


@dataclass(frozen=True)
class Rig:
    """An armature at rest, as Blender has it: a bone's Y axis runs from its head to its tail.

    Attributes:
        name: the armature's name.
        bones: name of every bone, parents before children.
        parents: (bones,) int, index of the parent, -1 for none.
        rest: (bones, 4, 4) float64, bone to armature space (Blender's ``Bone.matrix_local``).
        lengths: (bones,) float64, in armature units.
        world: (4, 4) float64, armature space to world metres (the object's ``matrix_world``).
        loose: names of the bones that do not turn with their parent (``use_inherit_rotation`` off).
        tied: names of the bones that cannot move from their parent's tail (``use_connect``).
        adrift: names of the bones whose location is along the axes of their parent, or of the
            armature, not along their own (``use_local_location`` off).
        humanoid: VRM's name of a human bone to that of the rig's, where its file says so.
        driven: names of the bones that constraints move.
        options: names of the bones' custom properties, for the bones that have some.
        stance: for a rig that rests in no pose of a body, bones to their rotations (4,) w, x, y, z
            away from rest, in their own axes, in one (see `stance`).
    """

    name: str
    bones: tuple[str, ...]
    parents: np.ndarray
    rest: np.ndarray
    lengths: np.ndarray
    world: np.ndarray
    loose: frozenset[str] = frozenset()
    tied: frozenset[str] = frozenset()
    adrift: frozenset[str] = frozenset()
    humanoid: Mapping[str, str] = field(default_factory=dict)
    driven: frozenset[str] = frozenset()
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stance: Mapping[str, np.ndarray] = field(default_factory=dict)

    def in_stance(self) -> Rig:
        """The rig as if it rested in its stance; itself where it has none."""
        if not self.stance:
            return self
        rest = np.empty_like(self.rest)
        for bone, above in enumerate(self.parents):
            own = np.eye(4)
            if self.bones[bone] in self.stance:
                own[:3, :3] = to_matrix(np.asarray(self.stance[self.bones[bone]]))
            local = self.rest[bone] @ own
            if above >= 0:
                local = rest[above] @ np.linalg.solve(self.rest[above], local)
            rest[bone] = local
        return replace(self, rest=rest, stance={})

    @cached_property
    def tails(self) -> np.ndarray:
        """(bones, 3) where bones end, armature space.

        These are the bones' own tails where they mostly meet a child, as a modeller draws them.
        Importers leave bones that point anywhere, of any length: there a bone ends among its
        children, and one without goes on for half as far as the bone before it.
        """
        heads = self.rest[:, :3, 3]
        own = heads + self.rest[:, :3, 1] * self.lengths[:, None]
        children = [np.flatnonzero(self.parents == bone) for bone in range(len(self.bones))]
        spans = {b: np.linalg.norm(heads[c] - heads[b], axis=-1) for b, c in enumerate(children)}
        parents = [b for b, span in spans.items() if len(span) and span.max() > 0]
        met = [
            np.linalg.norm(heads[children[b]] - own[b], axis=-1).min() < _MEETS * spans[b].max()
            for b in parents
        ]
        if not met or np.mean(met) >= _MOSTLY:
            return own
        tails = heads.copy()
        for bone, above in enumerate(self.parents):
            if len(children[bone]):
                tails[bone] = heads[children[bone]].mean(0)
            elif above >= 0:
                tails[bone] += 0.5 * (heads[bone] - heads[above])
        return tails


@dataclass(frozen=True)
class BoneMotion:
    """Keys for the bones of one rig, ready to be written.

    Attributes:
        bones: the bones that turn.
        rotations: (frames, bones, 4) float64 w, x, y, z, made continuous in time: the rotation away
            from rest in the bone's own rest axes (Blender's ``PoseBone.rotation_quaternion``).
        locations: for the few bones that move, (frames, 3) float64 away from rest, armature units,
            in the bone's own rest axes unless it is `Rig.adrift` (Blender's ``PoseBone.location``).
        fps: frames a second.
        name: the clip's name.
        person: 1 for the clip's first person, 2 ...
    """

    bones: tuple[str, ...]
    rotations: np.ndarray
    locations: dict[str, np.ndarray] = field(default_factory=dict)
    fps: float = 30.0
    name: str = ""
    person: int = 1
