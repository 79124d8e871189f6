"""A plain body for armatures that come without one."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from bpy.types import Object
from mathutils import Vector

from ..retarget.detect import find_mapping, side_of
from ..retarget.rest_body import LEG, RestBody, rest_body
from .mannequin import SIDES, jointed_body, paint, segment
from .rig_reader import read_rig
from .scene import armature_of

_THICK = (0.3, 0.045)
"""A stick's thickness, as a share of its bone and at most of the whole rig."""
_SHORTEST = 1e-3
"""Of sticks, as a share of the whole rig."""
_END = re.compile(r"(_end|End|Nub)$")
"""Bones that only say where the one before them ends; importers make up their length."""
_HEAD = (0.15, 0.23)
"""Width and height in metres of the head of a person whose legs are `LEG` long."""
_FACE, _CHIN = 1.7, -0.6
"""How far from the middle of a head its parts may be, and how high above it they are at least, over
its length without the rounding."""
_ROUND = 0.2
"""Share of a head that is its rounding, below and above."""
_PELVIS, _HIPS, _THORAX, _CROWN = 0, {"L": 4, "R": 1}, 8, 10


@dataclass(frozen=True)
class _Stick:
    """A piece of the body: it goes along with a bone, from start to end in armature space."""

    bone: str
    start: np.ndarray
    end: np.ndarray
    color: str
    width: float = 0.0
    is_head: bool = False

    @property
    def length(self) -> float:
        return float(np.linalg.norm(self.end - self.start))

    def lies_in(self, head: _Stick) -> bool:
        """Whether it is a part of a face, which may hang on a control rather than on the head."""
        away = (self.start + self.end - head.start - head.end) / 2
        above = away @ (head.end - head.start) / head.length
        return head.is_head and bool(
            np.linalg.norm(away) < _FACE * head.length and above > _CHIN * head.length
        )

    def points(self, size: float) -> np.ndarray:
        """Its surface, for a rig of that size."""
        width = self.width or min(_THICK[0] * self.length, _THICK[1] * size)
        taper = 1.0 if self.is_head else 0.6
        thick, thin = np.full(2, width), np.full(2, taper * width)
        turn = np.array(Vector(self.end - self.start).to_track_quat("Y", "Z").to_matrix())
        return segment(self.length, thick, thin, 0.0) @ turn.T + self.start


def stick_body(armature: Object) -> Object:
    """A slim segment for each deforming bone; the caller links it.

    What the hips hang on, such as a root on the floor, is no part of a body. Where the bones are a
    person's, they get a head with a face, and sticks from the pelvis to the legs and the spine and
    from the neck to the arms.
    """
    rig, bones = read_rig(armature), armature_of(armature).bones
    mapping = find_mapping(rig)
    hips = mapping.bone("hips")
    roots = {bone.name for bone in bones[hips].parent_recursive} if hips else set()
    shown = ({bone.name for bone in bones if bone.use_deform} or set(rig.bones)) - roots
    heads = {name: rig.rest[i, :3, 3] for i, name in enumerate(rig.bones) if name in shown}
    size = float(np.ptp(rig.rest[:, :3, 3], axis=0).max())
    sticks = [
        _Stick(name, heads[name], rig.tails[i], SIDES[side_of(name)])
        for i, name in enumerate(rig.bones)
        if name in shown and (bones[name].children or not _END.search(name))
    ]
    axes = np.eye(3)
    if not (mapping.missing or mapping.against or rig.stance):
        body = rest_body(rig, mapping)
        joined, axes = _joined(body, heads), body.axes
        known = {name for part in mapping.bones for name in mapping.bones[part] if part != "head"}
        skull = _nearest(heads, body, "head")
        inside = {skull}.union(b.name for b in bones[skull].children_recursive) if skull else set()
        inside |= {stick.bone for stick in sticks if stick.lies_in(joined[-1])} - known
        sticks = [stick for stick in sticks if stick.bone not in inside] + joined
    sticks = [stick for stick in sticks if stick.length > _SHORTEST * size]
    made = jointed_body(armature, [s.bone for s in sticks], [s.points(size) for s in sticks])
    head = next((i for i, stick in enumerate(sticks) if stick.is_head), None)
    paint(made, [stick.color for stick in sticks], head, axes)
    return made


def _joined(body: RestBody, heads: dict[str, np.ndarray]) -> list[_Stick]:
    """What joins limbs, trunk and head, and the head itself."""
    pelvis, thorax = body.joints[_PELVIS], body.joints[_THORAX]
    hips, chest = _nearest(heads, body, "hips"), _nearest(heads, body, "spine")
    sticks = [_Stick(hips, pelvis, body.head_of(body.chain("spine")[0]), "middle")]
    for side, hip in _HIPS.items():
        sticks.append(_Stick(hips, pelvis, body.joints[hip], SIDES[side]))
        arm = (body.chain(f"shoulder.{side}") or body.chain(f"upper_arm.{side}"))[0]
        sticks.append(_Stick(chest, thorax, body.head_of(arm), SIDES[side]))
    if skull := _nearest(heads, body, "head"):
        start, crown = body.head_of(body.chain("head")[0]), body.joints[_CROWN]
        width, height = body.leg / LEG * np.array(_HEAD)
        long = float(np.linalg.norm(crown - start))
        up = (crown - start) / long
        top = start + max(long, 0.9 * height) * up  # some bones of heads end at the brow
        low, high = top - (1 - _ROUND) * height * up, top - _ROUND * height * up
        sticks.append(_Stick(skull, low, high, "middle", float(width), is_head=True))
    return sticks


def _nearest(heads: dict[str, np.ndarray], body: RestBody, part: str) -> str:
    """The bone that is where the part's (last) bone is, which may be a control; or ""."""
    if not body.chain(part):
        return ""
    at = body.head_of(body.chain(part)[-1])
    return min(heads, key=lambda name: float(np.linalg.norm(heads[name] - at)))
