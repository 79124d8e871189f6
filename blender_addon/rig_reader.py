"""An armature in Blender, read as a `Rig`."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..core.errors import RigError
from ..retarget.rig import Rig
from .scene import actions_of, armature_of, channel_bags

HUMANOID = "vrm_humanoid"
"""The armature's custom property for what a VRM file says of its bones."""
STANCE = "lift_stance"
"""The armature's custom property for a pose that it stands in, if it rests in none."""


def read_rig(obj: bpy.types.Object) -> Rig:
    """The armature's rest pose; the pose it is in does not matter and nothing is changed.

    Raises:
        RigError: not an armature, one without bones, or one scaled to nothing.
    """
    bones = sorted(armature_of(obj).bones, key=lambda bone: len(bone.parent_recursive))
    if not bones:
        raise RigError(f"The armature '{obj.name}' has no bones: choose another rig.")
    world = np.array(obj.matrix_world)
    if not np.isfinite(world).all() or abs(np.linalg.det(world[:3, :3])) < 1e-18:
        raise RigError(f"The armature '{obj.name}' has a scale of zero: set its scale first.")
    index = {bone.name: i for i, bone in enumerate(bones)}
    posed = list(obj.pose.bones) if obj.pose else []
    return Rig(
        name=obj.name,
        bones=tuple(index),
        parents=np.array([index[b.parent.name] if b.parent else -1 for b in bones]),
        rest=np.array([b.matrix_local for b in bones], np.float64),
        lengths=np.array([b.length for b in bones]),
        world=world,
        loose=frozenset(b.name for b in bones if not b.use_inherit_rotation),
        tied=frozenset(b.name for b in bones if b.parent and b.use_connect),
        adrift=frozenset(b.name for b in bones if not b.use_local_location),
        humanoid=_humanoid(armature_of(obj)),
        driven=frozenset(bone.name for bone, _ in moving_constraints(obj)),
        options={b.name: tuple(b.keys()) for b in posed if b.keys()},
        stance={b: np.array(turn) for b, turn in armature_of(obj).get(STANCE, {}).items()},
    )


def _humanoid(armature: Any) -> dict[str, str]:
    """What the VRM file said, or what the VRM Add-on for Blender keeps of it."""
    if HUMANOID in armature:
        return dict(armature[HUMANOID])
    try:
        kept = armature.vrm_addon_extension
        if kept.spec_version.startswith("0"):
            bones = {bone.bone: bone.node.bone_name for bone in kept.vrm0.humanoid.human_bones}
        else:
            human = kept.vrm1.humanoid.human_bones.human_bone_name_to_human_bone()
            bones = {name.value: bone.node.bone_name for name, bone in human.items()}
    except AttributeError:  # no such add-on, or one of another make
        return {}
    return {human: bone for human, bone in bones.items() if bone}


def moving_constraints(obj: Any) -> list[tuple[Any, Any]]:
    """Bones with each constraint that moves them from where keys put them, but for limits.

    Also those that have no influence only because an action that plays takes it.
    """
    taken = {
        curve.data_path
        for action in actions_of(obj)
        for bag in channel_bags(action)
        for curve in bag.fcurves
    }
    return [
        (bone, constraint)
        for bone in (obj.pose.bones if obj.pose else ())
        for constraint in bone.constraints
        if not constraint.mute and "LIMIT" not in constraint.type
        if constraint.influence > 0 or influence_path(bone, constraint) in taken
    ]


def influence_path(bone: Any, constraint: Any) -> str:
    """The data path of the influence of a bone's constraint, from the object on."""
    escape = bpy.utils.escape_identifier
    return f'pose.bones["{escape(bone.name)}"].constraints["{escape(constraint.name)}"].influence'


def moved_by(constraint: Any, bone: Any) -> list[str]:
    """The names of the bones that a bone's constraint moves: of IK those of its chain."""
    if "IK" not in constraint.type:
        return [bone.name]
    line = [bone, *bone.parent_recursive]
    return [b.name for b in (line[: constraint.chain_count] if constraint.chain_count else line)]
