"""Spine, neck and collar bones: the parts of the trunk that a rig has more or fewer of.

All turns are (frames, 3, 3) away from rest, all joints (frames, 17, 3), in armature space.
"""

from __future__ import annotations

import numpy as np

from .frames import joint
from .rest_body import RestBody
from .rotation import between, part, swing, transpose, turn, unit
from .spine import bend_spine

Turns = dict[int, np.ndarray]

HABIT = np.radians(6.0)
"""How far a person's usual shoulders, over a clip, may be from the rig's at rest."""


def spine_turns(
    hips: np.ndarray, chest: np.ndarray, joints: np.ndarray, body: RestBody, parents: np.ndarray
) -> Turns:
    """The spine's bones share the bend, and the neck comes to lie where it should.

    Where the hips hang on the lowest spine bone, as in control rigs, the spine begins at the hips.
    """
    bones = body.chain("spine")
    pelvis, neck = body.joints[0], body.joints[8]
    root = body.chain("hips")[0]
    first = root if parents[root] == bones[0] else bones[0]
    stations = np.stack([pelvis, *(body.head_of(bone) for bone in (first, *bones[1:])), neck])
    goal = joint(joints, "thorax") - joint(joints, "pelvis")
    return dict(zip(bones, bend_spine(hips, chest, np.diff(stations, axis=0), goal), strict=True))


def neck_turns(chest: np.ndarray, head: np.ndarray, body: RestBody) -> Turns:
    """The head as it is turned; the neck goes part of the way, each bone farther than the last."""
    bones, top = body.chain("neck"), body.index("head")
    shares = [(i + 1) / (len(bones) + 2) for i in range(len(bones))]
    turns = {bone: between(chest, head, share) for bone, share in zip(bones, shares, strict=True)}
    return turns if top is None else turns | {top: head}


def shoulder_turn(
    chest: np.ndarray, joints: np.ndarray, body: RestBody, side: str
) -> np.ndarray | None:
    """The collar bone points to where the shoulder is as seen from the chest; None without one."""
    bone = body.index(f"shoulder.{side}")
    if bone is None:
        return None
    base = body.joints[8]
    shoulder = joint(body.joints[None], "shoulder", side)[0]
    seen = joint(joints, "shoulder", side) - joint(joints, "thorax")
    scale = np.linalg.norm(shoulder - base) / np.median(np.linalg.norm(seen, axis=-1))
    start = body.head_of(bone)
    goal = turn(transpose(chest), scale * seen) - (start - base)
    rest = unit(shoulder - start)
    return chest @ swing(rest, _settled(unit(goal), rest))


def _settled(directions: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Directions (frames, 3) turned so that their mean is within `HABIT` of `rest` (3,).

    Skeletons differ in where their neck and shoulders lie, which would lift or drop the shoulders
    for good; a person differs from a rig's rest less than that.
    """
    usual = unit(directions.mean(0))
    away = float(np.arccos(np.clip(usual @ rest, -1.0, 1.0)))
    if away <= HABIT:
        return directions
    return turn(part(swing(usual, rest), 1 - HABIT / away), directions)
