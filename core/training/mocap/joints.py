"""The 17 joints of a captured motion, whatever its skeleton.

Which bone is which is found as for a character (`retarget.detect`), by the names that tools give
or else by shape. What a skeleton does not have is put where Human3.6M has it: the spine at 47.5 %
of the way from the pelvis to the base of the neck; the nose halfway from there to the head's top
and in front of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....retarget.detect import find_mapping
from ....retarget.mapping import Mapping
from ....retarget.rig import Rig
from ...errors import MotionError
from ...skeleton import H36M
from .skeletal_motion import SkeletalMotion

_UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254, "CMU": 0.0254 / 0.45}
_LEG = 0.86  # metres, of somebody of 1.75 m
_TOLERANCE, _GIANT = 1.35, 2.0
_SPINE_SHARE = 0.475
_NOSE, _HEAD = 0.105, 0.19  # metres before and above, for a leg of _LEG
_LEAST_HEAD = 0.08
_UNKNOWN = ("words", "structure")
"""Mappings without a preset's names, which a file may have whatever it rests like."""
_ALMOST = 0.9
"""Cosine: bodies at rest stand and face along axes, but not all."""

_PARTS = {
    "hip": "thigh", "knee": "shin", "ankle": "foot",
    "shoulder": "upper_arm", "elbow": "forearm", "wrist": "hand",
}  # fmt: skip


@dataclass(frozen=True)
class Captured:
    """The 17 joints of a take, and how sure we are of the unit.

    Attributes:
        joints: (frames, 17, 3) metres, Z up.
        unit: name of the unit that was assumed, "of the file", "given", or "size" where the person
            was scaled to usual size since no unit fits.
        preset: whose names the bones have, see `retarget.mapping.Mapping`.
    """

    joints: np.ndarray
    unit: str
    preset: str


def to_joints(motion: SkeletalMotion, name: str, scale: float | None = None) -> Captured:
    """The 17 joints of a motion.

    Args:
        motion: in the file's axes and unit.
        name: of the file, for messages.
        scale: metres of one unit, where the file does not say; guessed from the length of the legs
            where not given. A file's unit is not believed if it makes a giant or a dwarf.

    Raises:
        MotionError: bones are missing, or cannot be told.
    """
    mapping = _mapping(motion, name)

    def heads(part: str) -> np.ndarray:
        bone = mapping.bone(part)
        if bone is None:
            raise MotionError(f"{name}: its skeleton has no {part}; 17 joints cannot be made.")
        return motion.heads[:, motion.names.index(bone)]

    made = {
        f"{word}_{joint}": heads(f"{part}.{side}")
        for joint, part in _PARTS.items()
        for word, side in (("left", "L"), ("right", "R"))
    }
    leg = _length(made["left_hip"], made["left_knee"]) + _length(
        made["left_knee"], made["left_ankle"]
    )
    made["pelvis"] = (made["left_hip"] + made["right_hip"]) / 2
    shoulders = (made["left_shoulder"] + made["right_shoulder"]) / 2
    made["thorax"] = heads("neck") if mapping.bone("neck") else shoulders
    spine = [motion.heads[:, motion.names.index(bone)] for bone in mapping.bones["spine"]]
    made["spine"] = _along([made["pelvis"], *spine, made["thorax"]], _SPINE_SHARE)
    along, forward = _rest_axes(motion, mapping)
    made["head"], ahead = _head(motion, mapping, along, forward, leg)
    made["neck_nose"] = (made["thorax"] + made["head"]) / 2 + ahead * _NOSE * leg / _LEG
    unit, metres = _unit(leg, motion.metres, scale)
    joints = np.stack([made[joint] for joint in H36M.names], 1) * metres
    ankles = (made["left_ankle"] + made["right_ankle"]) / 2
    joints = joints @ _z_up(_up(motion, made["pelvis"] - ankles, along))
    return Captured(joints, unit, mapping.preset)


def _mapping(motion: SkeletalMotion, name: str) -> Mapping:
    """Which bone is which; the skeleton at rest stands in for an armature."""
    count = len(motion.names)
    rest = np.tile(np.eye(4), (count, 1, 1))
    rest[:, :3, 3] = motion.rest
    size = float(np.ptp(motion.rest, axis=0).max()) or 1.0
    world = np.diag([1.75 / size, 1.75 / size, 1.75 / size, 1.0])
    if motion.up is None and np.ptp(motion.rest[:, 1]) > np.ptp(motion.rest[:, 2]):
        world[:3, :3] = world[:3, :3] @ _z_up(np.array([0.0, 1, 0])).T
    lengths = np.full(count, 0.05 * size)
    mapping = find_mapping(Rig(name, motion.names, motion.parents, rest, lengths, world))
    if mapping.missing:
        raise MotionError(
            f"{name}: its skeleton is not known; {', '.join(mapping.missing)} cannot be told."
        )
    if mapping.against and mapping.preset in _UNKNOWN:
        raise MotionError(f"{name}: its skeleton {mapping.against}.")
    return mapping


def _rest_axes(motion: SkeletalMotion, mapping: Mapping) -> tuple[np.ndarray, np.ndarray]:
    """Where the body points and where it faces at rest; unit vectors, along axes if almost so."""

    def at_rest(part: str) -> np.ndarray:
        return motion.rest[motion.names.index(str(mapping.bone(part)))]

    feet = (at_rest("foot.L") + at_rest("foot.R")) / 2
    hips = (at_rest("thigh.L") + at_rest("thigh.R")) / 2
    along = _straightened(hips - feet)
    left = at_rest("thigh.L") - at_rest("thigh.R")
    return along, _straightened(np.cross(left - along * (left @ along), along))


def _straightened(vector: np.ndarray) -> np.ndarray:
    """A vector's axis, if it is almost along one, else its direction."""
    direction = vector / max(float(np.linalg.norm(vector)), 1e-9)
    axis = _axis(direction)
    return axis if axis @ direction > _ALMOST else direction


def _axis(vector: np.ndarray) -> np.ndarray:
    """The axis, of six, that a vector is nearest to."""
    place = int(np.argmax(np.abs(vector)))
    return np.eye(3)[place] * np.sign(vector[place])


def _up(motion: SkeletalMotion, body: np.ndarray, along: np.ndarray) -> np.ndarray:
    """The vertical axis: as the file says, or the body's at rest where people rather stand so.

    Args:
        motion: the motion.
        body: (frames, 3) from the ankles to the hips.
        along: the body's direction at rest.
    """
    at_rest = _axis(along)
    if motion.up is None:
        return at_rest
    return max((motion.up, at_rest), key=lambda up: float(np.median(body @ up)))


def _z_up(up: np.ndarray) -> np.ndarray:
    """(3, 3) for row vectors: the quarter turns that bring the file's vertical axis to +Z."""
    side = np.array([0.0, 0, 1]) if abs(up[0]) else np.array([1.0, 0, 0])
    return np.stack([side, np.cross(up, side), up], 1)


def _head(
    motion: SkeletalMotion, mapping: Mapping, along: np.ndarray, forward: np.ndarray, leg: float
) -> tuple[np.ndarray, np.ndarray]:
    """(frames, 3) the head's top, and (frames, 3) where the face looks."""
    bone = mapping.bone("head") or mapping.bone("neck") or mapping.bones["spine"][-1]
    index = motion.names.index(bone)
    tip = motion.tips.get(bone, np.zeros(3))
    below = np.flatnonzero(motion.parents == index)
    if len(below) == 1 and below[0] not in motion.parents:  # Mixamo's HeadTop_End and the like
        tip = motion.rest[below[0]] - motion.rest[index]
    if tip @ along < _LEAST_HEAD * leg / _LEG:
        tip = along * _HEAD * leg / _LEG
    turn = motion.turns[:, index]
    return motion.heads[:, index] + turn @ tip, turn @ forward


def _unit(leg: float, of_file: float | None, given: float | None) -> tuple[str, float]:
    """The unit in which a leg is as long as legs are, and its metres."""
    if of_file and 1 / _GIANT < leg * of_file / _LEG < _GIANT:
        return "of the file", of_file
    if given is not None:
        return "given", given
    name = min(_UNITS, key=lambda unit: abs(np.log(leg * _UNITS[unit] / _LEG)))
    if max(leg * _UNITS[name] / _LEG, _LEG / (leg * _UNITS[name])) < _TOLERANCE:
        return name, _UNITS[name]
    return "size", _LEG / leg


def _length(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.median(np.linalg.norm(a - b, axis=-1)))


def _along(path: list[np.ndarray], share: float) -> np.ndarray:
    """The point at a share of the way along a line of points, frame by frame."""
    points = np.stack(path, 1)
    steps = np.linalg.norm(np.diff(points, axis=1), axis=-1)
    behind = np.concatenate([np.zeros((len(points), 1)), np.cumsum(steps, 1)], 1)
    wanted = share * behind[:, -1:]
    index = (behind[:, 1:-1] < wanted).sum(1)
    frames = np.arange(len(points))
    part = (wanted[:, 0] - behind[frames, index]) / np.maximum(steps[frames, index], 1e-9)
    first, second = points[frames, index], points[frames, index + 1]
    return first + part[:, None] * (second - first)
