"""`solve`: a person's motion as rotations of a rig's bones."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from ..core.errors import MotionError
from ..core.motion import Motion
from .chain import (
    carried_path,
    effective_parents,
    free_to_move,
    line_above,
    local_rotations,
    location,
    point_path,
)
from .contact import seen_contact
from .detect import find_mapping
from .extremities import seen_extremities
from .feet import Leg, set_feet
from .frames import SIDES, Frames, body_frames, joint, known_hinges
from .hands import hold_hands, steady_roll
from .mapping import Mapping, check_mapping
from .options import AUTOMATIC, Retargeting
from .placement import Ground, floor_path, place
from .rest_body import RestBody, rest_body
from .rig import BoneMotion, Rig
from .rotation import transpose
from .spine import tilt_hips
from .stance import away_from_rest
from .trunk import Turns, neck_turns, shoulder_turn, spine_turns
from .twist import spread_twist


def solve(
    motion: Motion,
    rig: Rig,
    mapping: Mapping | None = None,
    options: Retargeting = AUTOMATIC,
    progress: Callable[[float], None] | None = None,
) -> BoneMotion:
    """The rig's bones moved as the person moves, in closed form for all frames at once.

    The motion starts where the rig stands, facing where it faces, and is scaled by its legs.

    Args:
        motion: 17 joints in world metres.
        rig: the armature at rest; not changed.
        mapping: its bones' parts; found by itself if None.
        options: feet, hands, travel and start.
        progress: called with 0..1.

    Raises:
        RigError: the rig lacks bones that the motion needs.
        MotionError: the motion has no frames or joints without a position.
    """
    report = progress or (lambda _: None)
    mapping = mapping or find_mapping(rig)
    check_mapping(mapping, rig)
    _check_motion(motion)
    if rig.stance:
        standing = solve(motion, rig.in_stance(), mapping, options, progress)
        return away_from_rest(standing, rig)
    report(0.0)
    body = rest_body(rig, mapping)
    joints, ground = place(motion.joints, body, options)
    hinges = known_hinges(body.joints, body.hinges())
    rest = body_frames(body.joints[None], motion.fps, hinges)
    frames = body_frames(joints, motion.fps, hinges, rest)
    report(0.3)
    parts = {part: frames[part] @ transpose(rest[part]) for part in frames.parts}
    seen = seen_extremities(motion, ground, body, rest)
    parts["head"] = seen["head"].over(parts["head"])
    for side in SIDES:
        forearm = f"forearm.{side}"
        unseen = steady_roll(frames[forearm], motion.fps) @ parts[forearm]
        parts[f"hand.{side}"] = seen[f"hand.{side}"].over(unseen)
    parents = effective_parents(rig, mapping.follows)
    turns = _trunk(parts, joints, rest, body, parents)
    hips = body.chain("hips")[0]
    contacts = _contacts(motion, joints, ground, body, options.feet)
    legs = [
        Leg(
            side=side,
            thigh=parts[f"thigh.{side}"],
            shin=parts[f"shin.{side}"],
            hinge=frames[f"thigh.{side}"][..., 0],
            contact=contact,
            height=joint(joints, "ankle", side) @ ground.up,
            foot=seen[f"foot.{side}"],
        )
        for side, contact in zip(SIDES, contacts.T, strict=True)
    ]
    pelvis = joint(joints, "pelvis")
    report(0.5)
    placed, pelvis = set_feet(
        legs, turns[hips], pelvis, body, ground, motion.fps, still=options.feet != "never"
    )
    turns |= _limbs(parts | placed, body)
    if options.hands == "auto":
        turns |= hold_hands(turns, frames, joints, pelvis, body, parents, motion.fps)
    report(0.7)
    for side in SIDES:
        turns |= spread_twist(turns, body, parents, side)
    carrier = rig.bones.index(mapping.carrier) if mapping.carrier else hips
    carrier = free_to_move(carrier, rig)
    root = body.index("root") if options.travel == "root" else None
    root = None if root == carrier else root
    way = floor_path(pelvis, ground, motion.fps)
    if options.in_place:
        pelvis = pelvis - way + ground.start
        way = np.broadcast_to(ground.start, way.shape)
    moved: dict[int, np.ndarray] = {}
    if root is not None:
        moved[root], pelvis = way, pelvis - way
    path = carried_path(body.joints[0], pelvis, hips, carrier, rig, turns, parents)
    moved[carrier] = path - rig.rest[carrier, :3, 3]
    known = body.joints[0], hips, pelvis
    moved |= _copies(mapping, known, rig, turns, parents)
    moved |= _apart(body, known, carrier, turns, parents)
    locations = {
        rig.bones[bone]: location(shift, rig, bone, turns, parents) for bone, shift in moved.items()
    }
    rotations = local_rotations(rig, turns, parents)
    report(1.0)
    return BoneMotion(
        bones=tuple(rig.bones[bone] for bone in turns),
        rotations=rotations,
        locations=locations,
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


def _trunk(
    parts: dict[str, np.ndarray],
    joints: np.ndarray,
    rest: Frames,
    body: RestBody,
    parents: np.ndarray,
) -> Turns:
    chest = parts["chest"]
    hips = tilt_hips(parts["hips"], chest, rest["hips"][0, :, 0])
    turns: Turns = {body.chain("hips")[0]: hips}
    turns |= spine_turns(hips, chest, joints, body, parents)
    turns |= neck_turns(chest, parts["head"], body)
    for side in SIDES:
        bone, shoulder = body.index(f"shoulder.{side}"), shoulder_turn(chest, joints, body, side)
        if bone is not None and shoulder is not None:
            turns[bone] = shoulder
    return turns


def _copies(
    mapping: Mapping,
    known: tuple[np.ndarray, int, np.ndarray],
    rig: Rig,
    turns: Turns,
    parents: np.ndarray,
) -> dict[int, np.ndarray]:
    """Turns of the bones that copy others, put into `turns`, and how far they move (frames, 3).

    One that hangs on a bone that turns is carried along by it.
    """
    moved: dict[int, np.ndarray] = {}
    for name, other in mapping.copies.items():
        copy, leader = rig.bones.index(name), rig.bones.index(other)
        turns[copy] = turns[leader]
        if int(parents[copy]) not in turns:
            start = rig.rest[copy, :3, 3]
            moved[copy] = point_path(start, leader, known, rig, turns, parents) - start
    return moved


def _apart(
    body: RestBody,
    known: tuple[np.ndarray, int, np.ndarray],
    carrier: int,
    turns: Turns,
    parents: np.ndarray,
) -> dict[int, np.ndarray]:
    """How far feet and hands must move (frames, 3) that do not hang on their shins and forearms."""
    moved: dict[int, np.ndarray] = {}
    for side, (end, before) in product(SIDES, (("foot", "shin"), ("hand", "forearm"))):
        bone, holder = body.index(f"{end}.{side}"), body.index(f"{before}.{side}")
        above = [] if bone is None else line_above(bone, parents)
        if bone is None or holder is None or holder in above:
            continue
        start = body.head_of(bone)
        place = point_path(start, holder, known, body.rig, turns, parents)
        carried = carrier in above
        there = point_path(start, above[0], known, body.rig, turns, parents) if carried else start
        moved[bone] = place - there
    return moved


def _limbs(parts: dict[str, np.ndarray], body: RestBody) -> Turns:
    turns: Turns = {}
    for side in SIDES:
        for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe"):
            bone = body.index(f"{part}.{side}")
            if bone is not None:
                turns[bone] = parts[f"{part}.{side}"]
    return turns


def _contacts(
    motion: Motion, joints: np.ndarray, ground: Ground, body: RestBody, feet: str
) -> np.ndarray:
    """(frames, 2) contact of the left and right foot, 0..1."""
    contacts = np.nan_to_num(np.asarray(motion.contacts, np.float64))
    if np.linalg.det(ground.turn) < 0:  # in a mirror, left is right
        contacts = contacts[:, ::-1]
    if feet != "always" or motion.frames < 2:
        return contacts
    ankles = np.stack([joint(joints, "ankle", side) for side in SIDES], axis=1)
    speed = np.linalg.norm(np.gradient(ankles, axis=0), axis=-1) * motion.fps
    seen = [
        seen_contact(h, v, body.leg) for h, v in zip((ankles @ ground.up).T, speed.T, strict=True)
    ]
    return np.maximum(contacts, np.stack(seen, axis=-1))
