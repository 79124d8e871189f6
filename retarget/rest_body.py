"""A rig at rest seen as a body: where its 17 joints are and which way it faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.skeleton import H36M
from .mapping import Mapping
from .rig import Rig
from .rotation import reject, unit

SPINE_SHARE = 0.475
"""Where the Human3.6M spine joint lies on the way from pelvis to neck base."""
HEAD_TOP = 0.185
"""Metres from head joint to crown of a person whose legs, hip to ankle, are `LEG` long."""
NOSE = 0.105
"""Metres that the nose lies before the line from neck base to crown, likewise."""
LEG = 0.86
_SIDES = ("left", "right")
_FOOT = 0.15
"""From ankle to ball, as a share of a leg, where a rig has no feet."""
_POINTS, _SHORTEST = 0.3, 0.03
"""A foot points ahead by this share of its length, and this one of a leg, at least."""
_CROWN_RANGE = (0.08, 0.35)


@dataclass(frozen=True)
class RestBody:
    """A rig's rest pose in the terms of the motion; armature space and units.

    Attributes:
        rig: the rig.
        mapping: its bones' parts.
        joints: (17, 3) in Human3.6M order.
        axes: (3, 3), columns left, up, forward.
        leg: length from hip to ankle along the bones.
    """

    rig: Rig
    mapping: Mapping
    joints: np.ndarray
    axes: np.ndarray
    leg: float

    def index(self, part: str) -> int | None:
        """The index of the part's (first) bone, None where the rig has none."""
        name = self.mapping.bone(part)
        return None if name is None else self.rig.bones.index(name)

    def chain(self, part: str) -> list[int]:
        """The indices of the part's bones."""
        return [self.rig.bones.index(name) for name in self.mapping.bones.get(part, ())]

    def head_of(self, bone: int) -> np.ndarray:
        """(3,) where a bone begins."""
        return self.rig.rest[bone, :3, 3]

    def hinges(self) -> dict[str, np.ndarray]:
        """Unit axes (3,) of elbows and knees that are known without the rest pose."""
        return {part: unit(self.axes @ axis) for part, axis in self.mapping.hinges.items()}

    def ball(self, side: str) -> np.ndarray:
        """(3,) the ball of a foot, where its toes begin.

        Bones that go on straight down, as tails that importers make up do, end in no ball.
        """
        toe, foot = self.index(f"toe.{side}"), self.index(f"foot.{side}")
        ankle = self.joints[H36M.names.index("left_ankle" if side == "L" else "right_ankle")]
        ends = [] if toe is None else [self.head_of(toe)]
        ends += [] if foot is None else [self.tail_of(foot)]
        for end in ends:
            level = float(np.linalg.norm(reject(end - ankle, self.axes[:, 1])))
            if level > max(_POINTS * float(np.linalg.norm(end - ankle)), _SHORTEST * self.leg):
                return end
        return ankle + self.axes[:, 2] * (_FOOT * self.leg)

    def tail_of(self, bone: int) -> np.ndarray:
        """(3,) where a bone ends."""
        return self.rig.tails[bone]


def rest_body(rig: Rig, mapping: Mapping) -> RestBody:
    """The rig's rest pose in the terms of the motion."""
    found = RestBody(rig, mapping, np.zeros((17, 3)), np.eye(3), 0.0)
    points: dict[str, np.ndarray] = {}
    for side, word in (("L", "left"), ("R", "right")):
        for names, bones in (
            (("hip", "knee", "ankle"), ("thigh", "shin", "foot")),
            (("shoulder", "elbow", "wrist"), ("upper_arm", "forearm", "hand")),
        ):
            points |= {
                f"{word}_{name}": _start(found, f"{bone}.{side}", f"{before}.{side}")
                for name, bone, before in zip(names, bones, (None, *bones), strict=False)
            }
    points["pelvis"] = 0.5 * (points["left_hip"] + points["right_hip"])
    points["thorax"] = _neck_base(found, points)
    spine = [found.head_of(bone) for bone in found.chain("spine")]
    points["spine"] = _along([points["pelvis"], *spine, points["thorax"]], SPINE_SHARE)
    legs = [_limb_length(points, side, ("hip", "knee", "ankle")) for side in _SIDES]
    leg = sum(legs) / len(legs)
    axes = _axes(points, rig)
    points["head"] = _crown(found, points, axes, leg / LEG)
    middle = 0.5 * (points["thorax"] + points["head"])
    points["neck_nose"] = middle + axes[:, 2] * (NOSE * leg / LEG)
    joints = np.stack([points[name] for name in H36M.names])
    return RestBody(rig, mapping, joints, axes, leg)


def _start(body: RestBody, part: str, before: str | None) -> np.ndarray:
    """Where the part's bone begins, or, if the rig has none, the one before it ends."""
    bone = body.index(part)
    if bone is not None:
        return body.head_of(bone)
    previous = body.index(str(before))
    assert previous is not None
    return body.tail_of(previous)


def _neck_base(body: RestBody, points: dict[str, np.ndarray]) -> np.ndarray:
    for part in ("neck", "head"):
        bone = body.index(part)
        if bone is not None:
            return body.head_of(bone)
    return 0.5 * (points["left_shoulder"] + points["right_shoulder"])


def _along(path: list[np.ndarray], share: float) -> np.ndarray:
    """The point at a share of a polyline's length."""
    points = np.stack(path)
    reached = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=-1))])
    at = share * reached[-1]
    return np.array([np.interp(at, reached, points[:, axis]) for axis in range(3)])


def _limb_length(points: dict[str, np.ndarray], side: str, names: tuple[str, ...]) -> float:
    path = np.stack([points[f"{side}_{name}"] for name in names])
    return float(np.linalg.norm(np.diff(path, axis=0), axis=-1).sum())


def _axes(points: dict[str, np.ndarray], rig: Rig) -> np.ndarray:
    """Left, up and forward: the armature's own axes that come nearest to the body's."""
    trunk = unit(points["thorax"] - points["pelvis"])
    up = unit(np.linalg.inv(rig.world[:3, :3])[:, 2])
    if up @ trunk < 0.5:
        up = _nearest_axis(trunk)
    side = points["left_hip"] - points["right_hip"]
    side = side + points["left_shoulder"] - points["right_shoulder"]
    left = unit(reject(_nearest_axis(reject(side, up)), up))
    return np.stack([left, up, np.cross(left, up)], axis=-1)


def _nearest_axis(direction: np.ndarray) -> np.ndarray:
    axis = np.zeros(3)
    largest = np.argmax(np.abs(direction))
    axis[largest] = np.sign(direction[largest])
    return axis


def _crown(
    body: RestBody, points: dict[str, np.ndarray], axes: np.ndarray, size: float
) -> np.ndarray:
    """The top of the head: the head bone's end, if it points there."""
    head = body.index("head")
    if head is None:
        return points["thorax"] + axes[:, 1] * (1.4 * HEAD_TOP * size)
    start, end = body.head_of(head), body.tail_of(head)
    height = (end - start) @ axes[:, 1]
    low, high = _CROWN_RANGE
    upright = height > 0.8 * np.linalg.norm(end - start)
    if upright and low * size < height < high * size:
        return end
    return start + axes[:, 1] * (HEAD_TOP * size)
