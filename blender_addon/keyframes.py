"""`BoneMotion` to an action, written in bulk.

Keys stand on whole frames at the scene's rate: an animator edits on frames, and the clip plays at
its true speed. A clip of another rate is read between its frames (`at_rate`); whoever wants every
original frame sets the scene to the clip's rate first (`scene.set_frame_rate`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as with_changes
from typing import Any

import bpy
import numpy as np
from bpy.types import Action, Object

from ..core.errors import RigError
from ..retarget.rig import BoneMotion
from . import channels
from .scene import armature_of, current_scene, frame_rate, pose_of

MARK = "lift_to_3d"
"""Custom property on our own actions: the clip and person they hold."""

_LINEAR = 1


def write_action(
    obj: Object,
    motion: BoneMotion,
    *,
    start_frame: int = 1,
    name: str | None = None,
    fps: float | None = None,
    replace: bool = False,
    switches: Mapping[str, Mapping[str, float]] | None = None,
) -> Action:
    """Key a motion on an armature, in an action of its own, each bone in its own rotation mode.

    Args:
        obj: the armature object.
        motion: keys for bones of this armature; others are left alone.
        start_frame: scene frame of the motion's first frame.
        name: the action's name; the clip's and person's where not given.
        fps: rate to key at; the scene's where not given.
        replace: remove the action that an earlier call wrote for the same clip and person if the
            armature uses it now. An action of the user's is never removed, and is kept in the file
            even if nothing else uses it.
        switches: custom properties of bones that keep a value while the action plays, bone to
            property to value, as control rigs turn from IK to FK; those the rig lacks are left.

    Returns:
        The new action, assigned to the armature.

    Raises:
        RigError: not a local armature, bones missing, a connected bone that must move, or the
            armature's NLA is in tweak mode. Nothing has been changed then.
    """
    _check(obj, motion)
    keyed = at_rate(motion, fps or frame_rate(current_scene()))
    curves = _curves(obj, keyed)
    frames = np.arange(start_frame, start_frame + len(keyed.rotations), dtype=np.float32)

    mark = f"{motion.name}:{motion.person}"
    animation = obj.animation_data or obj.animation_data_create()
    previous = animation.action
    if previous is not None:
        _let_go(previous, mark if replace else None)
    action = bpy.data.actions.new(name or clip_name(motion))
    action[MARK] = mark
    animation.action = action
    bag = _channel_bag(animation, action, obj)
    for group, path, values in curves:
        _write_curves(bag, group, path, frames, values)
    for group, path, value in _switches(obj, switches or {}):
        _write_curves(bag, group, path, frames[:1], np.array([[value]]))
    return action


def clip_name(motion: BoneMotion) -> str:
    """A clip's name, with the person's number from the second on."""
    stem = motion.name or "Lift to 3D"
    return stem if motion.person == 1 else f"{stem}.person{motion.person}"


def at_rate(motion: BoneMotion, fps: float) -> BoneMotion:
    """The same motion, at the same speed, at another frame rate."""
    if abs(motion.fps - fps) < 1e-4 * fps:
        return motion
    times = channels.sample_times(len(motion.rotations), motion.fps, fps)
    return with_changes(
        motion,
        rotations=channels.interpolate_quaternions(motion.rotations, times),
        locations={
            bone: channels.interpolate_vectors(values, times)
            for bone, values in motion.locations.items()
        },
        fps=fps,
    )


def _check(obj: Object, motion: BoneMotion) -> None:
    bones, rest = pose_of(obj).bones, armature_of(obj).bones
    if obj.library is not None:
        raise RigError(
            f"'{obj.name}' is linked from another file: make a library override of it first."
        )
    if obj.animation_data and obj.animation_data.use_tweak_mode:
        raise RigError(f"An NLA strip of '{obj.name}' is being tweaked: leave tweak mode first.")
    if len(motion.rotations) == 0:
        raise RigError(f"The motion '{motion.name}' has no frames: nothing to key.")
    if missing := [b for b in (*motion.bones, *motion.locations) if b not in bones]:
        raise RigError(f"The armature '{obj.name}' has no bone '{missing[0]}'.")
    for bone in motion.locations:
        if rest[bone].use_connect and rest[bone].parent:
            raise RigError(
                f"The bone '{bone}' of '{obj.name}' must move but is connected to its parent: "
                "disconnect it in edit mode."
            )


def _let_go(previous: Action, ours: str | None) -> None:
    if ours is not None and previous.get(MARK) == ours and not previous.library:
        bpy.data.actions.remove(previous)
    elif previous.users <= 1 and not previous.library:
        previous.use_fake_user = True


def _channel_bag(animation: Any, action: Action, obj: Object) -> Any:
    """What holds curves and groups: the slot's channel bag, or before Blender 4.4 the action."""
    if not hasattr(action, "slots"):
        return action
    slot = action.slots.new(id_type="OBJECT", name=obj.name)
    animation.action_slot = slot
    strip: Any = action.layers.new("Layer").strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


def _curves(obj: Object, motion: BoneMotion) -> list[tuple[str, str, np.ndarray]]:
    """(group, data path, (frames, channels) values) for every property that is keyed."""
    curves = []
    bones = pose_of(obj).bones
    modes = [bones[bone].rotation_mode for bone in motion.bones]
    for mode in set(modes):
        chosen = [i for i, other in enumerate(modes) if other == mode]
        prop, values = _in_mode(motion.rotations[:, chosen], mode)
        for column, i in enumerate(chosen):
            curves.append((motion.bones[i], prop, values[:, column]))
    curves += [(bone, "location", values) for bone, values in motion.locations.items()]
    order = {bone: i for i, bone in enumerate(motion.bones)}
    curves.sort(key=lambda curve: order.get(curve[0], -1))
    escape = bpy.utils.escape_identifier
    return [(g, f'pose.bones["{escape(g)}"].{prop}', v) for g, prop, v in curves]


def _switches(
    obj: Object, switches: Mapping[str, Mapping[str, float]]
) -> list[tuple[str, str, float]]:
    bones, escape = pose_of(obj).bones, bpy.utils.escape_identifier
    return [
        (bone, f'pose.bones["{escape(bone)}"]["{escape(prop)}"]', value)
        for bone, values in switches.items()
        for prop, value in values.items()
        if bone in bones and prop in bones[bone]
    ]


def _in_mode(quaternions: np.ndarray, mode: str) -> tuple[str, np.ndarray]:
    if mode == "QUATERNION":
        return "rotation_quaternion", quaternions
    if mode == "AXIS_ANGLE":
        return "rotation_axis_angle", channels.to_axis_angle(quaternions)
    return "rotation_euler", channels.to_euler(quaternions, mode)


def _write_curves(bag: Any, group: str, path: str, frames: np.ndarray, values: np.ndarray) -> None:
    count = len(frames)
    linear = np.full(count, _LINEAR, np.int32)
    owner = bag.groups.get(group) or bag.groups.new(group)
    points = np.empty((count, 2), np.float32)
    points[:, 0] = frames
    for index in range(values.shape[1]):
        points[:, 1] = values[:, index]
        curve = bag.fcurves.new(path, index=index)
        curve.group = owner
        curve.keyframe_points.add(count)
        curve.keyframe_points.foreach_set("co", points.ravel())
        curve.keyframe_points.foreach_set("interpolation", linear)
        curve.update()
