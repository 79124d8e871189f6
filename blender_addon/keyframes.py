"""`BoneMotion` to an action, written in bulk.

Keys stand on whole frames at the scene's rate: an animator edits on frames, and the clip plays at
its true speed. A clip of another rate is read between its frames (`at_rate`); whoever wants every
original frame sets the scene to the clip's rate first (`scene.set_frame_rate`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as with_changes
from functools import partial
from typing import Any

import bpy
import numpy as np
from bpy.types import Action, Object
from mathutils import Matrix

from ..core.errors import RigError
from ..retarget.rig import BoneMotion, Rig
from . import channels
from .jobs import Steps, beside, run_steps, share
from .reduction import Curve, Tolerance, reduce_keys, slopes_of
from .rig_reader import influence_path, moved_by, moving_constraints, read_rig
from .scene import armature_of, channel_bags, current_scene, frame_rate, pose_of

MARK = "lift_to_3d"
"""Custom property on our own actions: the clip and person they hold."""

CONFIDENCE = "Lift confidence"
"""Custom property on the armature whose curve tells how sure each frame is, 0..1."""

_LINEAR, _BEZIER = 1, 2
_ALIGNED = 3
_PREPARED = 0.5  # where in the work the writing of curves begins


def write_action(obj: Object, motion: BoneMotion, **how: Any) -> Action:
    """`action_steps`, all at once."""
    return run_steps(action_steps(obj, motion, **how))


def action_steps(
    obj: Object,
    motion: BoneMotion,
    *,
    start_frame: int = 1,
    name: str | None = None,
    fps: float | None = None,
    replace: bool = False,
    switches: Mapping[str, Mapping[str, float]] | None = None,
    tolerance: Tolerance | None = None,
    confidence: np.ndarray | None = None,
    strip: bool = False,
) -> Steps[Action]:
    """Key a motion on an armature, in an action of its own, each bone in its own rotation mode.

    Args:
        obj: the armature object.
        motion: keys for bones of this armature; others are left alone.
        start_frame: scene frame of the motion's first frame.
        name: the action's name; the clip's and person's where not given.
        fps: rate to key at; the scene's where not given.
        replace: remove the action that an earlier call wrote for the same clip and person if the
            armature uses it now; else it is kept beside the new one. Either way bones that only it
            keyed go back to rest. An action of the user's is never removed, is kept in the file
            even if nothing else uses it, and its bones stay as they are.
        switches: custom properties of bones that keep a value while the action plays, bone to
            property to value, as control rigs turn from IK to FK; those the rig lacks are left.
        tolerance: leave out keys as long as no bone is further off than this at any frame; a key
            at every frame where not given.
        confidence: (frames,) 0..1, to be seen as a curve beside the bones'.
        strip: put the action on an NLA track of its own.

    Returns:
        The new action, assigned to the armature or its strip. Steps that are closed before their
        end leave everything as it was.

    Raises:
        RigError: not a local armature, bones missing, a connected bone that must move, or the
            armature's NLA is in tweak mode. Nothing has been changed then.
    """
    _check(obj, motion)
    rate = fps or frame_rate(current_scene())
    modes = [pose_of(obj).bones[bone].rotation_mode for bone in motion.bones]
    prepare = partial(_prepare, motion, rate, modes, read_rig(obj), tolerance)
    curves = yield from share(beside(prepare), 0, _PREPARED)

    curves += _switches(obj, switches or {})
    curves += _set_free(obj, motion.bones)
    if confidence is not None:
        curves.append(_confidence(confidence, motion.fps, rate))
    title = name or clip_name(motion)
    action = bpy.data.actions.new(title)
    try:  # the armature gets it when it is whole: else it would be evaluated and drawn at each step
        action[MARK] = f"{motion.name}:{motion.person}"
        slot, bag = channel_bag(action, obj)
        for i, curve in enumerate(curves):
            yield from share(
                _write_steps(bag, curve, start_frame),
                *(_PREPARED + (1 - _PREPARED) * n / len(curves) for n in (i, i + 1)),
            )
    except BaseException:
        bpy.data.actions.remove(action)
        raise
    if confidence is not None and CONFIDENCE not in obj:
        obj[CONFIDENCE] = 1.0
    animation = obj.animation_data or obj.animation_data_create()
    previous = animation.action
    play(animation, action, slot)
    lost = _let_go(animation, previous, action[MARK] if replace else None)
    for bone in pose_of(obj).bones:
        if bone.name in lost and bone.name not in bag.groups:
            bone.matrix_basis = Matrix()
    action.name = title
    if strip:
        _push_down(animation, action, slot)
    return action


@dataclass(frozen=True)
class _Keys:
    """One property's keys: on `frames`, counted from 0; cubics between them if it has `slopes`."""

    group: str
    path: str
    frames: np.ndarray
    values: np.ndarray
    slopes: np.ndarray | None = None


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


def _let_go(animation: Any, previous: Action | None, ours: str | None) -> set[str]:
    """Keep a user's action though nothing may use it now; take away ours of the same mark.

    Returns the names of the curves' groups, and so of the bones, in what of ours plays no longer.
    """
    gone: dict[str, Action] = {}
    if ours is not None:
        for track in list(animation.nla_tracks):
            for strip in [s for s in track.strips if s.action and s.action.get(MARK) == ours]:
                gone[strip.action.name] = strip.action
                track.strips.remove(strip)
            if not track.strips:
                animation.nla_tracks.remove(track)
    if previous is not None and not previous.library:
        if ours is not None and previous.get(MARK) == ours:
            gone[previous.name] = previous
        elif previous.users <= int(previous.use_fake_user):
            previous.use_fake_user = True
    silent = [*gone.values(), *([previous] if previous is not None and MARK in previous else [])]
    groups = {name for action in silent for name in _group_names(action)}
    for action in gone.values():
        if not action.library and action.users <= int(action.use_fake_user):
            bpy.data.actions.remove(action)
    return groups


def _group_names(action: Any) -> set[str]:
    return {group.name for bag in channel_bags(action) for group in bag.groups}


def _push_down(animation: Any, action: Action, slot: Any) -> None:
    track = animation.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, round(action.frame_range[0]), action)
    if slot is not None:
        strip.action_slot = slot
    strip.name = action.name
    animation.action = None


def channel_bag(action: Action, owner: Any) -> tuple[Any, Any]:
    """A new slot for an owner, and what holds its curves and groups.

    Before Blender 4.4 there is no slot, and the action holds them itself.
    """
    if not hasattr(action, "slots"):
        return None, action
    slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    strip: Any = action.layers.new("Layer").strips.new(type="KEYFRAME")
    return slot, strip.channelbag(slot, ensure=True)


def play(animation: Any, action: Action, slot: Any) -> None:
    """Let animation data play a slot of an action, both from `channel_bag`."""
    animation.action = action
    if slot is not None:
        animation.action_slot = slot


def _prepare(
    motion: BoneMotion,
    rate: float,
    modes: Sequence[str],
    rig: Rig,
    tolerance: Tolerance | None,
    progress: Callable[[float], None],
) -> list[_Keys]:
    """Everything that is keyed, worked out without touching Blender."""
    keyed = at_rate(motion, rate)
    progress(0.2)
    curves = _curves(keyed, modes)
    progress(0.5)
    escape = bpy.utils.escape_identifier
    paths = [f'pose.bones["{escape(curve.bone)}"].{curve.prop}' for curve in curves]
    if tolerance is None:
        every = np.arange(len(keyed.rotations))
        return [_Keys(c.bone, p, every, c.values) for c, p in zip(curves, paths, strict=True)]
    chosen = reduce_keys(curves, rig, tolerance)
    return [
        _Keys(c.bone, p, at, c.values[at], slopes_of(c.values)[at])
        for c, p, at in zip(curves, paths, chosen, strict=True)
    ]


def _curves(motion: BoneMotion, modes: Sequence[str]) -> list[Curve]:
    """Every property that is keyed, in the order of the bones."""
    curves = []
    for mode in set(modes):
        chosen = [i for i, other in enumerate(modes) if other == mode]
        prop, values = _in_mode(motion.rotations[:, chosen], mode)
        for column, i in enumerate(chosen):
            curves.append(Curve(motion.bones[i], prop, mode, values[:, column]))
    curves += [Curve(bone, "location", "", values) for bone, values in motion.locations.items()]
    order = {bone: i for i, bone in enumerate(motion.bones)}
    return sorted(curves, key=lambda curve: order.get(curve.bone, -1))


def _switches(obj: Object, switches: Mapping[str, Mapping[str, float]]) -> list[_Keys]:
    bones, escape = pose_of(obj).bones, bpy.utils.escape_identifier
    return [
        _Keys(
            bone,
            f'pose.bones["{escape(bone)}"]["{escape(prop)}"]',
            np.zeros(1),
            np.array([[value]]),
        )
        for bone, values in switches.items()
        for prop, value in values.items()
        if bone in bones and prop in bones[bone]
    ]


def _set_free(obj: Object, keyed: Sequence[str]) -> list[_Keys]:
    """No influence, while the action plays, for constraints that would hide the keys of bones."""
    animation = obj.animation_data
    drivers = {driver.data_path for driver in animation.drivers} if animation else set()
    free = []
    for bone, constraint in moving_constraints(obj):
        path = influence_path(bone, constraint)
        if path not in drivers and set(moved_by(constraint, bone)) & set(keyed):
            free.append(_Keys(bone.name, path, np.zeros(1), np.zeros((1, 1))))
    return free


def _confidence(confidence: np.ndarray, fps: float, rate: float) -> _Keys:
    values = np.asarray(confidence, np.float64)[:, None]
    values = channels.interpolate_vectors(values, channels.sample_times(len(values), fps, rate))
    return _Keys("Lift to 3D", f'["{CONFIDENCE}"]', np.arange(len(values)), values)


def _in_mode(quaternions: np.ndarray, mode: str) -> tuple[str, np.ndarray]:
    if mode == "QUATERNION":
        return "rotation_quaternion", quaternions
    if mode == "AXIS_ANGLE":
        return "rotation_axis_angle", channels.to_axis_angle(quaternions)
    return "rotation_euler", channels.to_euler(quaternions, mode)


def _write_steps(bag: Any, keys: _Keys, start_frame: int) -> Steps[None]:
    count = len(keys.frames)
    kind = np.full(count, _LINEAR if keys.slopes is None else _BEZIER, np.int32)
    owner = bag.groups.get(keys.group) or bag.groups.new(keys.group)
    places = np.empty((count, 2), np.float32)
    places[:, 0] = keys.frames + start_frame
    channel_count = keys.values.shape[1]
    for index in range(channel_count):
        places[:, 1] = keys.values[:, index]
        curve = bag.fcurves.new(keys.path, index=index)
        curve.group = owner
        points = curve.keyframe_points
        points.add(count)
        points.foreach_set("co", places.ravel())
        points.foreach_set("interpolation", kind)
        if keys.slopes is not None:
            _set_handles(points, places, keys.slopes[:, index])
        curve.update()
        yield (index + 1) / channel_count


def _set_handles(points: Any, places: np.ndarray, slopes: np.ndarray) -> None:
    """Handles a third of the way to the next key, which makes the curve a cubic of time."""
    third = np.diff(places[:, 0], append=places[-1:, 0] + 1, prepend=places[:1, 0] - 1) / 3
    steps = np.stack([np.ones_like(slopes), slopes], axis=-1).astype(np.float32)
    aligned = np.full(len(places), _ALIGNED, np.int32)
    for side, reach in (("left", -third[:-1]), ("right", third[1:])):
        points.foreach_set(f"handle_{side}_type", aligned)
        points.foreach_set(f"handle_{side}", (places + reach[:, None] * steps).ravel())
