"""Rigs for the tests of retargeting: posed, renamed, rolled, put into other rest poses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from lift_to_3d.core.motion import Motion
from lift_to_3d.core.skeleton import H36M
from lift_to_3d.retarget.character import bone_axes, load_character
from lift_to_3d.retarget.detect import find_mapping
from lift_to_3d.retarget.mapping import Mapping
from lift_to_3d.retarget.presets import presets
from lift_to_3d.retarget.rest_body import rest_body
from lift_to_3d.retarget.rig import BoneMotion, Rig
from lift_to_3d.retarget.rotation import (
    from_vector,
    to_matrix,
    to_quaternion,
    to_vector,
    turn,
    unit,
)

MANNEQUIN = load_character().rig()

_HOLDERS = {
    "pelvis": "hips", "right_hip": "hips", "left_hip": "hips", "neck_nose": "head", "head": "head",
    **{f"{word}_{joint}": f"{part}.{side}" for word, side in (("left", "L"), ("right", "R"))
       for joint, part in (("knee", "thigh"), ("ankle", "shin"), ("shoulder", "shoulder"),
                           ("elbow", "upper_arm"), ("wrist", "forearm"))},
}  # fmt: skip


def motion_of(joints: np.ndarray, fps: float = 30.0, contacts: np.ndarray | None = None) -> Motion:
    """A motion of these joints (frames, 17, 3)."""
    frames = len(joints)
    return Motion(
        joints=np.asarray(joints),
        camera_joints=joints - joints[:, :1],
        root=joints[:, 0],
        confidence=np.ones((frames, 17), np.float32),
        contacts=np.zeros((frames, 2), np.float32) if contacts is None else contacts,
        gravity=np.array([0, 1, 0], np.float32),
        fps=fps,
        name="test",
    )


def posed(rig: Rig, motion: BoneMotion) -> tuple[np.ndarray, np.ndarray]:
    """What Blender makes of the keys: every bone's turn from rest (frames, bones, 3, 3) and head.

    Both in armature space; the same arithmetic as Blender's, bone by bone.
    """
    frames, count = len(motion.rotations), len(rig.bones)
    column = {name: i for i, name in enumerate(motion.bones)}
    rotations = to_matrix(motion.rotations)
    turns = np.zeros((frames, count, 3, 3))
    heads = np.zeros((frames, count, 3))
    for b, name in enumerate(rig.bones):
        p, axes = rig.parents[b], rig.rest[b, :3, :3]
        above = turns[:, p] if p >= 0 else np.broadcast_to(np.eye(3), (frames, 3, 3))
        own = rotations[:, column[name]] if name in column else np.eye(3)
        carried = above
        if name in rig.loose:
            above = np.broadcast_to(np.eye(3), (frames, 3, 3))
        turns[:, b] = above @ axes @ own @ axes.T
        start = rig.rest[b, :3, 3]
        heads[:, b] = (
            heads[:, p] + turn(carried, (start - rig.rest[p, :3, 3])[None]) if p >= 0 else start
        )
        if name in motion.locations and name not in rig.tied:
            if name in rig.adrift:
                above, axes = turns[:, p] if p >= 0 else np.eye(3), rig.rest[p, :3, :3]
                axes = axes if p >= 0 else np.eye(3)
            heads[:, b] += turn(above @ axes, motion.locations[name])
    return turns, heads


def body_joints(rig: Rig, turns: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """The 17 joints (frames, 17, 3) of a posed rig, in armature space.

    The spine joint is put half-way, so it only serves where the trunk is not bent.
    """
    mapping = find_mapping(rig)
    rest = rest_body(rig, mapping).joints
    joints = np.zeros((len(turns), 17, 3))
    for i, name in enumerate(H36M.names):
        part = _HOLDERS.get(name)
        bone = mapping.bone(part) if part else None
        if bone is None:
            bone = mapping.bones["spine"][-1 if name != "spine" else 0]
        b = rig.bones.index(bone)
        joints[:, i] = heads[:, b] + turn(turns[:, b], (rest[i] - rig.rest[b, :3, 3])[None])
    return joints


def keys(rig: Rig, angles: dict[str, np.ndarray], frames: int) -> BoneMotion:
    """Keys that turn bones by rotation vectors (frames, 3), armature axes, from the parent."""
    names = tuple(angles)
    local = []
    for name in names:
        axes = rig.rest[rig.bones.index(name), :3, :3]
        local.append(axes.T @ from_vector(angles[name]) @ axes)
    rotations = to_quaternion(np.stack(local, axis=1)) if names else np.zeros((frames, 0, 4))
    return BoneMotion(bones=names, rotations=rotations)


def at_rest_in(rig: Rig, angles: dict[str, np.ndarray]) -> Rig:
    """The rig with another rest pose: bones turned by rotation vectors (3,), armature axes."""
    turns, heads = posed(rig, keys(rig, {n: np.asarray(a)[None] for n, a in angles.items()}, 1))
    rest = rig.rest.copy()
    rest[:, :3, :3] = turns[0] @ rig.rest[:, :3, :3]
    rest[:, :3, 3] = heads[0]
    return replace(rig, rest=rest)


def rolled(rig: Rig, angles: np.ndarray) -> Rig:
    """The rig with its bones rolled about themselves by (bones,) radians."""
    rest = rig.rest.copy()
    spin = from_vector(np.stack([0 * angles, angles, 0 * angles], axis=-1))
    rest[:, :3, :3] = rest[:, :3, :3] @ spin
    return replace(rig, rest=rest)


def renamed(rig: Rig, names: dict[str, str]) -> Rig:
    """The rig with other bone names."""
    return replace(rig, bones=tuple(names.get(bone, bone) for bone in rig.bones))


def stretched(rig: Rig, factors: dict[str, float]) -> Rig:
    """The rig with some bones longer or shorter; what hangs on them moves along."""
    rest, lengths = rig.rest.copy(), rig.lengths.copy()
    for b in range(len(rig.bones)):
        p = rig.parents[b]
        if p >= 0:
            factor = factors.get(rig.bones[p], 1.0)
            rest[b, :3, 3] = rest[p, :3, 3] + factor * (rig.rest[b, :3, 3] - rig.rest[p, :3, 3])
        lengths[b] *= factors.get(rig.bones[b], 1.0)
    lift = rig.rest[:, 2, 3].min() - rest[:, 2, 3].min()
    rest[:, 2, 3] += lift
    return replace(rig, rest=rest, lengths=lengths)


def with_chain(rig: Rig, name: str, parent: str | None, start, step, count: int = 1) -> Rig:
    """The rig with a chain of bones more, from `start` by `step` each, armature space."""
    start, step = np.asarray(start, float), np.asarray(step, float)
    above = -1 if parent is None else rig.bones.index(parent)
    for i in range(count):
        rest = np.eye(4)
        rest[:3, :3], rest[:3, 3] = bone_axes(step, np.zeros(())), start + i * step
        rig = replace(
            rig,
            bones=(*rig.bones, f"{name}{i}"),
            parents=np.append(rig.parents, above),
            rest=np.concatenate([rig.rest, rest[None]]),
            lengths=np.append(rig.lengths, np.linalg.norm(step)),
        )
        above = len(rig.bones) - 1
    return rig


def without(rig: Rig, *gone: str) -> Rig:
    """The rig without some bones; what hung on them hangs on what they hung on."""
    parents = rig.parents.copy()
    for b in range(len(parents)):
        while parents[b] >= 0 and rig.bones[parents[b]] in gone:
            parents[b] = parents[parents[b]]
    keep = [b for b, name in enumerate(rig.bones) if name not in gone]
    place = {-1: -1} | {b: i for i, b in enumerate(keep)}
    return replace(
        rig,
        name="cut",
        bones=tuple(rig.bones[b] for b in keep),
        parents=np.array([place[parents[b]] for b in keep]),
        rest=rig.rest[keep],
        lengths=rig.lengths[keep],
    )


def parts_of(mapping: Mapping) -> dict[str, str]:
    """Bone name to the part that it plays."""
    return {name: part for part, names in mapping.bones.items() for name in names}


def degrees(rotation: np.ndarray) -> np.ndarray:
    """How far rotations (..., 3, 3) turn."""
    return np.degrees(np.linalg.norm(to_vector(rotation), axis=-1))


def angle_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees between vectors (..., 3)."""
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.degrees(np.arctan2(cross, np.sum(a * b, axis=-1)))


def held_feet(frames: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Someone who sways on planted feet: (frames, 17, 3) joints and (frames, 2) contacts."""
    rest = rest_body(MANNEQUIN, find_mapping(MANNEQUIN)).joints
    t = np.linspace(0, 4 * np.pi, frames)
    joints = np.repeat(rest[None], frames, axis=0)
    sway = np.stack([0.05 * np.sin(t), 0.04 * np.cos(t), -0.06 + 0.03 * np.sin(2 * t)], -1)
    upper = [0, 1, 4, *range(7, 17)]
    joints[:, upper] += sway[:, None]
    for hip, knee, ankle in ((1, 2, 3), (4, 5, 6)):
        a, b, c = joints[:, hip], joints[:, ankle], np.array([0, -1.0, 0])
        first = np.linalg.norm(rest[knee] - rest[hip])
        second = np.linalg.norm(rest[ankle] - rest[knee])
        gap = np.linalg.norm(b - a, axis=-1, keepdims=True)
        along = (first**2 - second**2 + gap**2) / (2 * gap)
        out = np.sqrt(np.maximum(first**2 - along**2, 0))
        line = (b - a) / gap
        joints[:, knee] = a + along * line + out * unit(c - (line @ c)[:, None] * line)
    return joints, np.ones((frames, 2))


def moving_limbs(frames: int = 60, seed: int = 0) -> dict[str, np.ndarray]:
    """Smooth angles of arms and legs, with knees and elbows that bend as they can."""
    random = np.random.default_rng(seed)
    t = np.linspace(0, 2 * np.pi, frames)

    def wave(size: float) -> np.ndarray:
        return size * np.sin(t + random.uniform(0, 6)) * random.uniform(0.4, 1)

    zero = np.zeros(frames)
    angles = {}
    for side, k in (("L", 1), ("R", -1)):
        lowered = 0.7 + wave(0.5)
        angles[f"upper_arm.{side}"] = np.stack([wave(0.4), k * lowered, k * wave(0.4)], -1)
        angles[f"forearm.{side}"] = np.stack([zero, zero, -k * (0.8 + wave(0.6))], -1)
        angles[f"thigh.{side}"] = np.stack([-0.4 + wave(0.6), k * wave(0.2), k * wave(0.2)], -1)
        angles[f"shin.{side}"] = np.stack([0.8 + wave(0.7), zero, zero], -1)
    return angles


def moving_joints(frames: int = 60, seed: int = 0) -> np.ndarray:
    """The 17 joints of the mannequin while its limbs move, turning and walking off."""
    turns, heads = posed(MANNEQUIN, keys(MANNEQUIN, moving_limbs(frames, seed), frames))
    joints = body_joints(MANNEQUIN, turns, heads)
    rest = rest_body(MANNEQUIN, find_mapping(MANNEQUIN)).joints
    joints[:, 7:11] = rest[7:11]
    heading = from_vector(np.stack([np.linspace(0, k, frames) for k in (0.1, -0.2, 1.5)], -1))
    walk = np.stack([np.linspace(0, k, frames) for k in (0.5, -1.0, 0.1)], -1)
    return turn(heading[:, None], joints) + walk[:, None]


def with_root(rig: Rig) -> Rig:
    """The rig below a root bone on the floor, in names that know one."""
    ours, unreal = (
        next(preset for preset in presets() if preset.name == name)
        for name in ("mannequin", "unreal")
    )
    names = {}
    for part, bones in ours.bones.items():
        names |= dict(zip(bones, unreal.bones[part], strict=False))
    below = renamed(rig, names)
    rest = np.concatenate([np.eye(4)[None], below.rest])
    return Rig("root", ("root", *below.bones), np.concatenate([[-1], below.parents + 1]), rest,
               np.concatenate([[0.1], below.lengths]), below.world)  # fmt: skip
