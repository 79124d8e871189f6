"""BVH (Biovision): a skeleton of joints with offsets, and a row of channels for every frame."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import MotionError
from .skeletal_motion import SkeletalMotion, axis_turns, read_text

_MOTION = re.compile(r"\s*Frames:\s*(\d+)\s*Frame\s+Time:\s*(\S+)")
_MOST_JOINTS = 1000


@dataclass
class _Joint:
    name: str
    parent: int
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))
    channels: list[str] = field(default_factory=list)


def read_bvh(path: Path) -> list[SkeletalMotion]:
    """The motion in a BVH file.

    Raises:
        MotionError: it is missing, or not BVH.
    """
    hierarchy, found, motion = read_text(path).partition("MOTION")
    try:
        if not found:
            raise ValueError("it has no MOTION")
        joints, tips = _hierarchy(hierarchy.split())
        values, fps = _values(motion, sum(len(j.channels) for j in joints))
    except (ValueError, IndexError) as error:
        raise MotionError(f"{path}: not a BVH file ({error}).") from None
    return [_posed(joints, tips, values, fps)]


def _hierarchy(words: list[str]) -> tuple[list[_Joint], dict[str, np.ndarray]]:
    joints: list[_Joint] = []
    tips: dict[str, np.ndarray] = {}
    open_joints: list[int] = []
    at_end = False
    place = 0
    while place < len(words):
        word = words[place]
        if word in ("ROOT", "JOINT"):
            joints.append(_Joint(words[place + 1], open_joints[-1] if open_joints else -1))
            if len(joints) > _MOST_JOINTS:
                raise ValueError(f"more than {_MOST_JOINTS} joints")
            place += 1
        elif word == "End":
            at_end = True
        elif word == "{":
            open_joints.append(open_joints[-1] if at_end else len(joints) - 1)
        elif word == "}":
            open_joints.pop()
            at_end = False
        elif word == "OFFSET":
            offset = np.array([float(x) for x in words[place + 1 : place + 4]])
            if at_end:
                tips[joints[open_joints[-1]].name] = offset
            else:
                joints[open_joints[-1]].offset = offset
            place += 3
        elif word == "CHANNELS":
            count = int(words[place + 1])
            joints[open_joints[-1]].channels = words[place + 2 : place + 2 + count]
            place += 1 + count
        place += 1
    if not joints or open_joints:
        raise ValueError("its hierarchy is not complete")
    return joints, tips


def _values(motion: str, channels: int) -> tuple[np.ndarray, float]:
    head = _MOTION.match(motion)
    if not head:
        raise ValueError("MOTION does not begin with Frames and Frame Time")
    seconds = float(head[2])
    if not (np.isfinite(seconds) and seconds > 0):
        raise ValueError(f"Frame Time is {head[2]}")
    values = np.array(motion[head.end() :].split(), dtype=float)
    if not len(values) or not channels or len(values) % channels:
        raise ValueError(f"its {len(values)} numbers are not rows of {channels}")
    if not np.isfinite(values).all():
        raise ValueError("it holds numbers that are not finite")
    fps = 1 / seconds
    whole = round(fps)  # 0.0083333 is 120
    return values.reshape(-1, channels), whole if abs(fps - whole) < 1e-4 * fps else fps


def _posed(
    joints: list[_Joint], tips: dict[str, np.ndarray], values: np.ndarray, fps: float
) -> SkeletalMotion:
    frames, count = len(values), len(joints)
    heads, turns = np.zeros((frames, count, 3)), np.zeros((frames, count, 3, 3))
    rest = np.zeros((count, 3))
    column = 0
    for j, joint in enumerate(joints):
        moved = np.tile(joint.offset, (frames, 1))
        turn = np.tile(np.eye(3), (frames, 1, 1))
        for channel in joint.channels:
            axis = "XYZ".index(channel[:1].upper())
            if channel.lower().endswith("position"):
                moved[:, axis] = values[:, column]
            else:
                turn = turn @ axis_turns(axis, values[:, column])
            column += 1
        p = joint.parent
        if p < 0:
            heads[:, j], turns[:, j] = moved, turn
        else:
            rest[j] = rest[p] + joint.offset
            heads[:, j] = heads[:, p] + (turns[:, p] @ moved[..., None])[..., 0]
            turns[:, j] = turns[:, p] @ turn
    names = tuple(joint.name for joint in joints)
    parents = np.array([joint.parent for joint in joints])
    return SkeletalMotion(names, parents, rest, heads, turns, tips, fps)
