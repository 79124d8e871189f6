"""Armatures and motions for the tests that run in Blender."""

from __future__ import annotations

import bpy
import numpy as np
from lift_to_3d.retarget.rig import BoneMotion
from scipy.spatial.transform import Rotation

BONES = ("hips", "spine", "head", "arm.L", "leg.L")


def odd_armature() -> bpy.types.Object:
    """A small rig with odd rolls, its object moved, turned and scaled."""
    data = bpy.data.armatures.new("Rig")
    obj = bpy.data.objects.new("Rig", data)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    places = [
        ("hips", None, (0, 0, 1), (0, 0.02, 1.2)),
        ("spine", "hips", (0, 0.02, 1.2), (0, 0, 1.6)),
        ("head", "spine", (0, 0, 1.6), (0, -0.05, 1.8)),
        ("arm.L", "spine", (0.1, 0, 1.5), (0.6, 0.1, 1.4)),
        ("leg.L", "hips", (0.1, 0, 0.95), (0.12, 0, 0.1)),
    ]
    for roll, (name, parent, head, tail) in enumerate(places):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail, bone.roll = head, tail, 0.4 * roll
        bone.parent = data.edit_bones.get(parent) if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    obj.location, obj.scale = (0.3, -0.2, 0.1), (0.5, 0.5, 0.5)
    obj.rotation_euler = (0.2, 0.1, -0.7)
    bpy.context.view_layer.update()
    return obj


def tumbling(
    frames: int = 40, fps: float = 30.0, seed: int = 0, bones: tuple[str, ...] = BONES
) -> BoneMotion:
    """Every bone turns by several whole turns about wandering axes, the hips move."""
    rng = np.random.default_rng(seed)
    step = Rotation.from_rotvec(rng.normal(size=(len(bones), 3)) * 0.12)
    turn, quaternions = Rotation.from_rotvec(rng.normal(size=(len(bones), 3))), []
    for _ in range(frames):
        turn = step * turn
        quaternions.append(np.roll(turn.as_quat(), 1, axis=-1))
    out = np.array(quaternions)
    for i in range(1, frames):
        flip = np.sum(out[i] * out[i - 1], axis=-1) < 0
        out[i, flip] *= -1
    path = np.cumsum(rng.normal(size=(frames, 3)) * 0.02, axis=0)
    return BoneMotion(bones, out, {"hips": path}, fps, "clip")
