"""`solve`: a person's motion as rotations of a rig's bones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..core.errors import MotionError
from ..core.motion import Motion
from .chain import effective_parents, local_rotations
from .detect import find_mapping
from .frames import SIDES, Frames, body_frames, joint
from .mapping import Mapping, check_mapping
from .placement import place
from .rest_body import RestBody, rest_body
from .rig import BoneMotion, Rig
from .rotation import swing, transpose, turn, unit
from .spine import bend_spine, tilt_hips

Turns = dict[int, np.ndarray]


def solve(
    motion: Motion,
    rig: Rig,
    mapping: Mapping | None = None,
    *,
    feet: str = "auto",
    in_place: bool = False,
    progress: Callable[[float], None] | None = None,
) -> BoneMotion:
    """The rig's bones moved as the person moves, in closed form for all frames at once.

    The motion starts where the rig stands, facing where it faces, and is scaled by its legs.

    Args:
        motion: 17 joints in world metres.
        rig: the armature at rest; not changed.
        mapping: its bones' parts; found by itself if None.
        feet: "auto" holds feet still while the motion says that they are on the ground, "always"
            also where they only look like it, "never" leaves them as they come.
        in_place: keep the person where the rig stands.
        progress: called with 0..1.

    Raises:
        RigError: the rig lacks bones that the motion needs.
        MotionError: the motion has no frames or joints without a position.
    """
    report = progress or (lambda _: None)
    mapping = mapping or find_mapping(rig)
    check_mapping(mapping, rig)
    _check_motion(motion)
    report(0.0)
    body = rest_body(rig, mapping)
    joints = place(motion.joints, body)
    rest = body_frames(body.joints[None], motion.fps)
    frames = body_frames(joints, motion.fps)
    report(0.3)
    turns = _turns(joints, frames, rest, body)
    report(0.6)
    parents = effective_parents(rig, mapping.follows)
    hips = body.chain("hips")[0]
    path = joint(joints, "pelvis") + turn(turns[hips], (body.head_of(hips) - body.joints[0])[None])
    rotations = local_rotations(rig, turns, parents)
    report(1.0)
    return BoneMotion(
        bones=tuple(rig.bones[bone] for bone in turns),
        rotations=rotations,
        locations={rig.bones[hips]: _location(path, rig, hips)},
        fps=motion.fps,
        name=motion.name,
        person=motion.person,
    )


def _check_motion(motion: Motion) -> None:
    if motion.frames == 0:
        raise MotionError(f"The motion '{motion.name}' has no frames: lift it again.")
    if not np.isfinite(motion.joints).all():
        raise MotionError(
            f"The motion '{motion.name}' has joints without a position: lift it again."
        )


def _turns(joints: np.ndarray, frames: Frames, rest: Frames, body: RestBody) -> Turns:
    """The turn away from rest of every mapped bone, (frames, 3, 3), armature space."""

    def of(part: str) -> np.ndarray:
        return frames[part] @ transpose(rest[part])

    chest, head = of("chest"), of("head")
    hips = tilt_hips(of("hips"), chest, rest["hips"][0, :, 0])
    turns: Turns = {body.chain("hips")[0]: hips}
    turns |= _spine_turns(hips, chest, joints, body)
    turns |= _neck_turns(chest, head, joints, body)
    for side in SIDES:
        parts = {
            "upper_arm": of(f"upper_arm.{side}"),
            "forearm": of(f"forearm.{side}"),
            "hand": of(f"forearm.{side}"),
            "thigh": of(f"thigh.{side}"),
            "shin": of(f"shin.{side}"),
            "foot": of(f"shin.{side}"),
            "shoulder": _shoulder_turn(chest, joints, frames, rest, body, side),
        }
        for part, part_turn in parts.items():
            bone = body.index(f"{part}.{side}")
            if bone is not None:
                turns[bone] = part_turn
    return turns


def _spine_turns(hips: np.ndarray, chest: np.ndarray, joints: np.ndarray, body: RestBody) -> Turns:
    bones = body.chain("spine")
    pelvis, neck = body.joints[0], body.joints[8]
    stations = np.stack([pelvis, *(body.head_of(bone) for bone in bones), neck])
    goal = joint(joints, "thorax") - joint(joints, "pelvis")
    return dict(zip(bones, bend_spine(hips, chest, np.diff(stations, axis=0), goal), strict=True))


def _neck_turns(chest: np.ndarray, head: np.ndarray, joints: np.ndarray, body: RestBody) -> Turns:
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


def _shoulder_turn(
    chest: np.ndarray,
    joints: np.ndarray,
    frames: Frames,
    rest: Frames,
    body: RestBody,
    side: str,
) -> np.ndarray:
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


def _location(path: np.ndarray, rig: Rig, bone: int) -> np.ndarray:
    """(frames, 3) a bone's head in armature space as its own location away from rest."""
    return (path - rig.rest[bone, :3, 3]) @ rig.rest[bone, :3, :3]
