"""Our way of writing keys against Blender's `keyframe_insert`, in one run.

    python benchmarks/keyframes.py            10,000 frames in bulk; 2,000 against keyframe_insert
    python benchmarks/keyframes.py --quick    2,000 in bulk; 250 against keyframe_insert

`keyframe_insert` slows down as keys gather: its 2,000 frames take minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import bpy
import numpy as np
from lift_to_3d.blender_addon.keyframes import write_action
from lift_to_3d.blender_addon.scene import set_frame_rate
from lift_to_3d.retarget.rig import BoneMotion

_BONES = 60


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    long, short = (2_000, 250) if parser.parse_args().quick else (10_000, 2_000)
    obj = make_armature()
    bulk = time_bulk(obj, motion(long))
    print(f"in bulk           {long:6} frames x {_BONES} bones  {bulk:8.3f} s", flush=True)
    bulk = time_bulk(obj, motion(short))
    print(f"in bulk           {short:6} frames x {_BONES} bones  {bulk:8.3f} s", flush=True)
    slow = time_inserts(obj, motion(short))
    print(f"keyframe_insert   {short:6} frames x {_BONES} bones  {slow:8.3f} s", flush=True)
    print(f"times as fast     {slow / bulk:8.0f}")


def make_armature() -> bpy.types.Object:
    """A chain of bones in an empty scene at 30 frames a second."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    set_frame_rate(bpy.context.scene, 30)
    data = bpy.data.armatures.new("Chain")
    obj = bpy.data.objects.new("Chain", data)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    parent = None
    for i in range(_BONES):
        bone = data.edit_bones.new(f"bone{i}")
        bone.head, bone.tail, bone.parent = (0, 0, i), (0, 0, i + 1), parent
        parent = bone
    bpy.ops.object.mode_set(mode="OBJECT")
    return obj


def motion(frames: int) -> BoneMotion:
    """Every bone rocks, the first one wanders."""
    angle = np.linspace(0, frames / 10, frames)[:, None] + np.arange(_BONES)
    turn = 0.5 * np.sin(angle)
    zero = np.zeros_like(turn)
    rotations = np.stack([np.cos(turn / 2), np.sin(turn / 2), zero, zero], axis=-1)
    path = np.cumsum(np.full((frames, 3), 0.01), axis=0)
    bones = tuple(f"bone{i}" for i in range(_BONES))
    return BoneMotion(bones, rotations, {"bone0": path}, 30.0, "rocking")


def time_bulk(obj: bpy.types.Object, keys: BoneMotion) -> float:
    """Seconds for `write_action`, the best of three."""
    best = np.inf
    for _ in range(3):
        started = time.perf_counter()
        action = write_action(obj, keys)
        best = min(best, time.perf_counter() - started)
        obj.animation_data_clear()
        bpy.data.actions.remove(action)
    return best


def time_inserts(obj: bpy.types.Object, keys: BoneMotion) -> float:
    """Seconds for the same keys by `keyframe_insert`."""
    bones = [obj.pose.bones[name] for name in keys.bones]
    started = time.perf_counter()
    for frame, rotations in enumerate(keys.rotations):
        for bone, rotation in zip(bones, rotations, strict=True):
            bone.rotation_quaternion = rotation
            bone.keyframe_insert("rotation_quaternion", frame=frame + 1)
        bones[0].location = keys.locations["bone0"][frame]
        bones[0].keyframe_insert("location", frame=frame + 1)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # some Blenders hang when their interpreter ends
