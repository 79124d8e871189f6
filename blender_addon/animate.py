"""Motions on armatures of the current scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bpy.types import Action, Object
from mathutils import Matrix

from ..core.errors import RigError
from ..core.motion import Motion
from ..retarget.detect import find_mapping
from ..retarget.mapping import Mapping
from ..retarget.options import AUTOMATIC, Retargeting
from ..retarget.solve import solve
from .character import load_rig
from .clip import Clip
from .jobs import Steps, beside, run_steps, share
from .kept import keep
from .keyframes import action_steps
from .reduction import Tolerance
from .rig_reader import read_rig
from .scene import (
    current_scene,
    everything,
    frame_rate,
    pick,
    picked,
    set_frame_rate,
    take_back,
)
from .together import common_places

_SOLVED = 0.5  # where in the work on a person the keying begins


@dataclass(frozen=True)
class Placing:
    """How motions are put into a scene.

    Attributes:
        rig: a character's name or file for every person, or an armature, for one person.
        start_frame: scene frame of the clips' first frame.
        mapping: of the rig's bones; found out by itself if None.
        retargeting: how the motion is put on the rig.
        take_rate: set the scene to the clips' rate, so that every frame of theirs is a key; else
            the scene's rate stays and the motion is read between its frames.
        replace: take away the action that was written for the same clip and person before.
        tolerance: leave out keys as far as this allows; None keys every frame.
        strip: put each action on an NLA track of its own.
    """

    rig: str | Object = "mannequin"
    start_frame: int = 1
    mapping: Mapping | None = None
    retargeting: Retargeting = AUTOMATIC
    take_rate: bool = False
    replace: bool = False
    tolerance: Tolerance | None = None
    strip: bool = False


def animate(
    obj: Object,
    motion: Motion,
    *,
    mapping: Mapping | None = None,
    retargeting: Retargeting = AUTOMATIC,
    progress: Callable[[float], None] | None = None,
    **keying: Any,
) -> Action:
    """`animate_steps`, all at once; the progress function is called with 0..1."""
    return run_steps(animate_steps(obj, motion, mapping, retargeting, **keying), progress)


def animate_steps(
    obj: Object,
    motion: Motion,
    mapping: Mapping | None = None,
    retargeting: Retargeting = AUTOMATIC,
    **keying: Any,
) -> Steps[Action]:
    """Retarget a motion to an armature and key it, as `keyframes.action_steps` is told.

    Raises:
        LiftError: the rig or the motion does not do; nothing has been changed then.
    """
    rig = read_rig(obj)
    mapping = mapping or find_mapping(rig)
    solving = beside(partial(solve, motion, rig, mapping, retargeting))
    bones = yield from share(solving, 0, _SOLVED)
    writing = action_steps(obj, bones, switches=mapping.switches, **keying)
    return (yield from share(writing, _SOLVED, 1))


def place(motions: Sequence[Motion], placing: Placing, clips: Sequence[Clip] = ()) -> list[Object]:
    """`place_steps`, all at once."""
    return run_steps(place_steps(motions, placing, clips))


def place_steps(
    motions: Sequence[Motion], placing: Placing, clips: Sequence[Clip] = ()
) -> Steps[list[Object]]:
    """Put each person's motion on a character, and let the scene's range take the clips in.

    Characters that are made stand to each other, in place and time, as the people did.

    Args:
        motions: of the people of one clip.
        placing: how.
        clips: what was seen of each of them, kept with the actions; where not given, all motions
            begin together.

    Returns:
        The armatures, in the order of the motions. Steps that are closed before their end, or
        fail, take back everything that had been made.

    Raises:
        LiftError: a rig or a motion does not do.
    """
    if not isinstance(placing.rig, str) and len(motions) > 1:
        raise RigError(
            f"'{placing.rig.name}' is one armature, but there are {len(motions)} people: choose "
            "one of them."
        )
    scene = current_scene()
    rate = frame_rate(scene)
    moved: list[Object] = []
    end = placing.start_frame
    before, chosen = everything(), picked()
    shown = scene.frame_start, scene.frame_end, scene.frame_current
    places = yield from share(beside(lambda _: common_places(motions)), 0, 0)
    try:
        if placing.take_rate:
            set_frame_rate(scene, motions[0].fps)
        fps = frame_rate(scene)
        for i, motion in enumerate(motions):
            yield i / len(motions)
            obj = _character(placing.rig, motion)
            start = placing.start_frame + (round(clips[i].begin * fps) if clips else 0)
            steps = animate_steps(
                obj,
                motion,
                placing.mapping,
                placing.retargeting,
                start_frame=start,
                replace=placing.replace,
                tolerance=placing.tolerance,
                confidence=clips[i].certainty if clips else None,
                strip=placing.strip,
            )
            action = yield from share(steps, i / len(motions), (i + 1) / len(motions))
            if clips:
                keep(action, clips[i], start, fps)
            if i:
                obj.matrix_world = Matrix(places[i].tolist()) @ obj.matrix_world
            moved.append(obj)
            end = max(end, round(action.frame_range[1]))
            yield (i + 1) / len(motions)
        _fit_range(placing.start_frame, end)
        yield 1.0  # evaluating a long action takes a while, and so does the undo step that follows
    except BaseException:
        set_frame_rate(scene, rate)
        take_back(before)
        scene.frame_start, scene.frame_end, scene.frame_current = shown
        pick(chosen)
        raise
    return moved


def _character(rig: str | Object, motion: Motion) -> Object:
    if not isinstance(rig, str):
        return rig
    obj = load_rig(rig)
    title = motion.name or obj.name
    obj.name = title if motion.person == 1 else f"{title}.person{motion.person}"
    return obj


def _fit_range(start: int, end: int) -> None:
    """A scene that ends before a clip does is made longer; a fresh one ends with the clip."""
    scene = current_scene()
    fresh = (scene.frame_start, scene.frame_end) == (1, 250) and start == 1
    scene.frame_end = end if fresh else max(scene.frame_end, end)
    scene.frame_set(start)
