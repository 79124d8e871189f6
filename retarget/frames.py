"""Joint positions to the orientation of each part of the body.

A part's frame is made from the joints alone, by the same rule for a moving person and for a rig at
rest. What takes the one frame to the other is the turn of the rig's bone, whatever its rest pose,
roll or proportions.

Trunk frames have the columns left, up, forward. Limb frames have hinge, along the bone, and the
direction to which the next bone bends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ..core.skeleton import H36M
from .hinge import KnownHinge, hinge_axis, straighten
from .rotation import columns, frame, reject, unit

SIDES = ("L", "R")
_J = {name: i for i, name in enumerate(H36M.names)}
_SIDE_NAMES = {"L": "left", "R": "right"}
_HALF = np.sqrt(0.5)
# Natural direction and hinge of the upper limbs in trunk axes (left, up, forward): an arm that
# hangs halfway out bends forward, a leg that hangs down bends backward. The directions opposite
# to these, where the natural hinge is undefined, are out of reach.
_NATURAL = {
    ("arm", "L"): (np.array([_HALF, -_HALF, 0.0]), np.array([-_HALF, -_HALF, 0.0])),
    ("arm", "R"): (np.array([-_HALF, -_HALF, 0.0]), np.array([-_HALF, _HALF, 0.0])),
    ("leg", "L"): (np.array([0.0, -1.0, 0.0]), np.array([1.0, 0.0, 0.0])),
    ("leg", "R"): (np.array([0.0, -1.0, 0.0]), np.array([1.0, 0.0, 0.0])),
}
_ACROSS = np.sin(np.radians(20.0))


@dataclass(frozen=True)
class _Limb:
    """Its joints, its bones, and the trunk's part that it hangs on.

    And the bend up to which its plane is not trusted, as the lower leg is set at an angle to the
    thigh in many skeletons; and the angle from the natural hinge beyond which it is a mistake: an
    ankle on the other knee takes 130 degrees.
    """

    joints: tuple[str, str, str]
    bones: tuple[str, str]
    trunk: str
    doubt: float
    most: float


_LIMBS = {
    "arm": _Limb(
        ("shoulder", "elbow", "wrist"), ("upper_arm", "forearm"), "chest", np.radians(5.0), np.pi
    ),
    "leg": _Limb(
        ("hip", "knee", "ankle"), ("thigh", "shin"), "hips", np.radians(17.0), np.radians(135.0)
    ),
}


@dataclass(frozen=True)
class Frames:
    """Frames (frames, 3, 3) of the body's parts: "hips", "chest", "head", "upper_arm.L" ..."""

    parts: dict[str, np.ndarray]

    def __getitem__(self, part: str) -> np.ndarray:
        return self.parts[part]


def joint(joints: np.ndarray, name: str, side: str | None = None) -> np.ndarray:
    """One joint's path (frames, 3) by its name: "pelvis", or "knee" with a side "L" or "R"."""
    return joints[:, _J[f"{_SIDE_NAMES[side]}_{name}" if side else name]]


def known_hinges(joints: np.ndarray, axes: dict[str, np.ndarray]) -> dict[str, KnownHinge]:
    """The hinges that a rig's elbows and knees are known to have, by their upper bones.

    Args:
        joints: (17, 3) of the rig at rest.
        axes: unit axes (3,) at rest of "upper_arm.L", "thigh.L" ...; one that is not across its
            limb is of another rest pose, and left out.
    """
    rest, found = joints[None], {}
    trunks = {"chest": _chest(rest)[0], "hips": _hips(rest)[0]}
    for name, limb in _LIMBS.items():
        for side in SIDES:
            top, middle, end = (joint(rest, n, side) for n in limb.joints)
            upper, lower = unit(middle - top)[0], unit(end - middle)[0]
            part, trunk = f"{limb.bones[0]}.{side}", trunks[limb.trunk]
            if part in axes and abs(axes[part] @ upper) < _ACROSS:
                direction = trunk @ _NATURAL[name, side][0]
                found[part] = KnownHinge.of(axes[part], upper, lower, direction, trunk)
    return found


def body_frames(
    joints: np.ndarray,
    fps: float,
    hinges: Mapping[str, KnownHinge] = MappingProxyType({}),
    rest: Frames | None = None,
) -> Frames:
    """The frame of every part of the body.

    Args:
        joints: (frames, 17, 3), Human3.6M order, any right-handed axes and unit.
        fps: frames a second.
        hinges: what is known of the hinges below "upper_arm.L", "thigh.L" ...
        rest: the frames of the rig at rest; limbs bend backward as far as its own do. None for
            these themselves.
    """
    parts = {"hips": _hips(joints), "chest": _chest(joints), "head": _head(joints)}
    for name, limb in _LIMBS.items():
        for side in SIDES:
            top, middle, end = (joint(joints, n, side) for n in limb.joints)
            first, second = (f"{bone}.{side}" for bone in limb.bones)
            upper, lower = unit(middle - top), unit(end - middle)
            direction, hinge = _NATURAL[name, side]
            plane, known = lower, hinges.get(first)
            if known is not None:
                plane, hinge = known.squared(upper, lower), known.natural
            axis = hinge_axis(
                upper, plane, parts[limb.trunk], direction, hinge, limb.doubt, limb.most, fps
            )
            if rest is not None:
                own = float(rest[first][0, :, 2] @ rest[second][0, :, 1])
                lower = straighten(upper, lower, axis, min(own, 0.0))
            parts[first] = columns(axis, upper, np.cross(axis, upper))
            axis = unit(reject(axis, lower))
            parts[second] = columns(axis, lower, np.cross(axis, lower))
    return Frames(parts)


def _hips(joints: np.ndarray) -> np.ndarray:
    left = joint(joints, "hip", "L") - joint(joints, "hip", "R")
    return frame(left, joint(joints, "spine") - joint(joints, "pelvis"))


def _chest(joints: np.ndarray) -> np.ndarray:
    up = unit(joint(joints, "thorax") - joint(joints, "spine"))
    shoulders = joint(joints, "shoulder", "L") - joint(joints, "shoulder", "R")
    left = unit(reject(shoulders, up))
    return columns(left, up, np.cross(left, up))


def _head(joints: np.ndarray) -> np.ndarray:
    thorax, top = joint(joints, "thorax"), joint(joints, "head")
    forward = unit(joint(joints, "neck_nose") - 0.5 * (thorax + top))
    up = unit(reject(top - thorax, forward))
    return columns(np.cross(up, forward), up, forward)
