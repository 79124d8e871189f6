"""Spine, neck and collar bones: the parts of the trunk that a rig has more or fewer of.

All turns are (frames, 3, 3) away from rest, all joints (frames, 17, 3), in armature space.
"""

from __future__ import annotations

import numpy as np

from .frames import joint
from .rest_body import RestBody
from .rotation import swing, turn, unit
from .spine import bend_spine

Turns = dict[int, np.ndarray]


def spine_turns(hips: np.ndarray, chest: np.ndarray, joints: np.ndarray, body: RestBody) -> Turns:
    """The spine's bones share the bend, and the neck comes to lie where it should."""
    bones = body.chain("spine")
    pelvis, neck = body.joints[0], body.joints[8]
    stations = np.stack([pelvis, *(body.head_of(bone) for bone in bones), neck])
    goal = joint(joints, "thorax") - joint(joints, "pelvis")
    return dict(zip(bones, bend_spine(hips, chest, np.diff(stations, axis=0), goal), strict=True))


def neck_turns(chest: np.ndarray, head: np.ndarray, joints: np.ndarray, body: RestBody) -> Turns:
    """Head as it is turned; the neck leans so that the crown lies where it should."""
    top = body.index("head")
    turns: Turns = {} if top is None else {top: head}
    bones = body.chain("neck")
    if not bones or top is None:
        return turns | dict.fromkeys(bones, head)
    base, joint_at, crown = body.joints[8], body.head_of(top), body.joints[10]
    reach = joint(joints, "head") - joint(joints, "thorax")
    scale = np.linalg.norm(crown - base) / np.median(np.linalg.norm(reach, axis=-1))
    goal = scale * reach - turn(head, (crown - joint_at)[None])
    along = turn(chest, (joint_at - base)[None])
    neck = swing(unit(along), unit(goal)) @ chest
    return turns | dict.fromkeys(bones, neck)


def shoulder_turn(chest: np.ndarray, joints: np.ndarray, body: RestBody, side: str) -> np.ndarray:
    """The collar bone points to where the shoulder is, as seen from the chest."""
    bone = body.index(f"shoulder.{side}")
    if bone is None:
        return chest
    base = body.joints[8]
    shoulder = joint(body.joints[None], "shoulder", side)[0]
    seen = joint(joints, "shoulder", side) - joint(joints, "thorax")
    scale = np.linalg.norm(shoulder - base) / np.median(np.linalg.norm(seen, axis=-1))
    goal = scale * seen - turn(chest, (body.head_of(bone) - base)[None])
    along = turn(chest, (shoulder - body.head_of(bone))[None])
    return swing(unit(along), unit(goal)) @ chest
